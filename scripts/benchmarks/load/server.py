"""A peer's server: a process on a free port, started with a configuration file."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from scripts.benchmarks.load.generator import pinned

HOST = "127.0.0.1"
START_SECONDS = 15.0
POLL_SECONDS = 0.02


class Server:
    """Be a server of somebody else; it is ready once its port takes connections."""

    def __init__(self, folder: Path, core: int | None, command: list[str], port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        with pinned(core), (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=folder, start_new_session=True
            )
        try:
            self._wait(folder / "log")
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Return the process's number."""
        return self._process.pid

    def stop(self) -> None:
        """End it, and the workers that it may have started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _wait(self, log: Path) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection((HOST, self.port), 1.0).close()
            except OSError:
                time.sleep(POLL_SECONDS)
            else:
                return
        raise RuntimeError(f"{os.fspath(log)}: {log.read_text(errors='replace')[-500:]}")
