"""Knock at the relay's door: does anything answer there, and for how long is its certificate good.

A line of its own, closed at once: the link may be down, and what it holds is not to be disturbed.
"""

import asyncio
import os
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from peerpost_protocol.check import Check, failed, passed, skipped

REACH_SECONDS: Final = 5.0
WARN_DAYS: Final = 14
DAY_SECONDS: Final = 86_400
_FIX: Final = "Tell its operator, or name its authority by `ca_file`."


class Knock(Struct, frozen=True):
    """Be what was found: why nothing answers, why its TLS is not believed, when its certificate ends (s)."""

    silent: str | None = None
    refused: str | None = None
    ends_at: float | None = None


async def knock(url: str, authorities: Path | None) -> Knock:
    """Connect to a relay as the link does, and hang up."""
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "wss"
        context = ssl.create_default_context(cafile=authorities) if secure else None
        async with asyncio.timeout(REACH_SECONDS):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or (443 if secure else 80), ssl=context
            )
    except ssl.SSLCertVerificationError as error:
        return Knock(refused=error.verify_message)
    except ssl.SSLError as error:
        return Knock(refused=error.reason or "no TLS there")
    except (OSError, ValueError, TimeoutError) as error:
        return Knock(silent=f"its port does not answer ({_why(error)})")
    shown = writer.get_extra_info("peercert")
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return Knock(ends_at=ssl.cert_time_to_seconds(shown["notAfter"]) if shown else None)


def _why(error: Exception) -> str:
    number = getattr(error, "errno", None)  # asyncio's own words name the address once more
    return os.strerror(number) if number and number > 0 else "no answer"


def tls(url: str | None, found: Knock | None, now_ms: int) -> Check:
    """Judge the relay's certificate by what was found."""
    if url is None or found is None or not url.lower().startswith("wss:"):
        return skipped("tls", "no relay is called up by TLS" if url is None else f"{url} is plain")
    if found.silent is not None:
        return skipped("tls", found.silent)
    if found.refused is not None:
        return failed("tls", f"{url}: {found.refused}", _FIX)
    days = int(((found.ends_at or 0) - now_ms / 1_000) // DAY_SECONDS)
    detail = f"the relay's certificate is good for {days} days"
    if days < WARN_DAYS:
        return failed("tls", detail, "Tell the relay's operator.", severity="warning")
    return passed("tls", detail)
