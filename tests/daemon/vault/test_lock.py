import os
import subprocess
import sys
from pathlib import Path

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.lock import ProcessLock

HOLD = """
import pathlib, sys
from peerpost_daemon.vault.lock import ProcessLock
lock = ProcessLock.acquire(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_holder_is_told_the_pid_of_the_first(tmp_path: Path) -> None:
    lock = ProcessLock.acquire(tmp_path / "lock")
    with pytest.raises(DaemonError, match=f"already open by pid {os.getpid()}") as caught:
        ProcessLock.acquire(tmp_path / "lock")
    assert caught.value.kind == "storage_failed"
    lock.release()


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        lock = ProcessLock.acquire(tmp_path / "lock")
        lock.release()
        lock.release()
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DaemonError, match=f"pid {holder.pid}"):
            ProcessLock.acquire(tmp_path / "lock")
        holder.kill()
    ProcessLock.acquire(tmp_path / "lock").release()
