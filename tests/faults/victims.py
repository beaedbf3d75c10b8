"""Processes that can be made to die at a named point: the launcher in place of our commands."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.faults import crashing
from tests.support.processes import START_SECONDS, Process, ProcessError, environment

DYING_SECONDS = 0.5  # from the end of its output to the end of the process
LAUNCHER = Path(crashing.__file__)


class Victim(Process):
    """Be a daemon or a relay whose next start can be armed with a point."""

    def __init__(self, program: str, log: Path) -> None:
        super().__init__(program, log)
        self.program = program
        self.at: str | None = None
        self.quick_link = False

    async def start(self, *arguments: str | Path) -> str:
        """Start, armed when `at` is set; raise ProcessError also when the point came first."""
        assert not self.is_running
        armed: Sequence[str] = () if self.at is None else ("--at", self.at)
        if self.quick_link:
            armed = (*armed, "--quick-link")
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                LAUNCHER,
                self.program,
                *armed,
                "--",
                *arguments,
                env=environment(),
                cwd=LAUNCHER.parents[2],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        line = await self._first_line(self._process)
        if not line:
            died = await self.died(DYING_SECONDS)
            await self.kill()
            why = "died at its point" if died else f"did not start within {START_SECONDS} s"
            raise ProcessError(f"{self.name} {why}:\n{self.log.read_text()[-2000:]}")
        return line

    @property
    def died_by_itself(self) -> bool:
        """Tell whether its own hand killed it."""
        return self._process is not None and self._process.returncode == -signal.SIGKILL

    async def died(self, seconds: float) -> bool:
        """Wait for it to die at its point; tell whether it did."""
        assert self._process is not None
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            return False
        return self.died_by_itself
