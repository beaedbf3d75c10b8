"""A program for each event.

Who attacks this: whoever sends a message. Nothing of it is part of a command line, no shell reads any of it, and the
program's environment is made anew: the daemon's own may name credentials and sockets of the service manager. What the
program writes goes where the daemon's log goes; it is the operator's program, and says what it wants to say.
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from peerpost_daemon.hooks.event import Failure, HookEvent
from peerpost_daemon.hooks.settings import HookSettings

GRACE_SECONDS: Final = 2.0  # between SIGTERM and SIGKILL
POLL_SECONDS: Final = 0.02
_KEPT: Final = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


class Program:
    """Run a hook's program."""

    def __init__(self, hook: HookSettings, socket: Path, environment: Mapping[str, str]) -> None:
        self._hook = hook
        kept = {name: environment[name] for name in _KEPT if name in environment}
        self._environment = kept | {"PEERPOST_SOCKET": str(socket)}

    async def __call__(self, event: HookEvent) -> Failure | None:
        """Run it; exit code 0 is success."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._hook.exec,
                stdin=asyncio.subprocess.PIPE,
                env=self._environment | event.variables(),
                cwd="/",
                start_new_session=True,  # so that it ends with everything it has started
            )
        except OSError as error:
            return Failure(f"cannot be started: {error.strerror}")
        try:
            async with asyncio.timeout(self._hook.timeout_seconds):
                await process.communicate(event.encoded())
        except TimeoutError:
            return Failure(f"was ended after {self._hook.timeout_seconds:g} s")
        finally:
            if process.returncode is None:
                await asyncio.shield(_end(process))
        code = process.returncode
        return None if code == 0 else Failure(f"ended with {code}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a program and all it has started, at first politely."""
    _signal(process, signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE_SECONDS):
            await process.wait()
    _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
