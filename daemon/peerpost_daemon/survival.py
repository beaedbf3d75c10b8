"""Survival: a part that fails for a reason nobody thought of is logged, counted, and begun again after a moment."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

RESTART_SECONDS = 1.0

_log = logging.getLogger(__name__)


async def survive(run: Callable[[], Awaitable[None]], failed: Callable[[], None]) -> None:
    """Run a part to its end; call `failed` for each time that it has to begin again."""
    while True:
        try:
            await run()
        except Exception as error:  # noqa: BLE001  it must not end in silence
            # The text of an error nobody thought of may hold what must not be in a log.
            _log.error(
                "a part of the daemon failed: %s\n%s",
                type(error).__name__,
                "".join(traceback.format_tb(error.__traceback__)),
            )
            failed()
        else:
            return
        await asyncio.sleep(RESTART_SECONDS)
