"""The progress bar: on a terminal it shows how far a file has come and goes when done; a pipe gets nothing."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from peerpost import progress
from peerpost.progress import Progress, size
from tests.client.recorder import Recorder


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Stand in for a terminal on which every step is shown."""
    made = Terminal()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=made))
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.0)
    return made


def test_a_terminal_is_shown_how_far_it_is_and_is_clean_afterwards(terminal: Terminal) -> None:
    with Progress("disk.img", 1024 * 1024) as shown:
        for done in (0, 512 * 1024, 1024 * 1024):
            shown.at(done)
    steps = terminal.getvalue().split("\r\x1b[K")[1:]
    assert steps[0] == f"disk.img [{'':30}]   0% of 1.0 MiB"
    assert steps[1] == f"disk.img [{'#' * 15:30}]  50% of 1.0 MiB"
    assert steps[2] == f"disk.img [{'#' * 30}] 100% of 1.0 MiB"
    assert steps[3] == ""


def test_what_has_no_known_size_shows_its_bytes(terminal: Terminal) -> None:
    with Progress("-", None) as shown:
        shown.at(2048)
    assert "- 2.0 KiB" in terminal.getvalue()


def test_it_is_shown_now_and_then_only(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 10.05, 10.2])
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.1)
    monkeypatch.setattr(progress, "monotonic", lambda: next(times))
    shown = Progress("a", 100)
    for done in (1, 2, 3):
        shown.at(done)
    assert terminal.getvalue().count("%") == 2


def test_a_name_cannot_steer_the_terminal(terminal: Terminal) -> None:
    Progress("\x1b[2Jevil\n", 10).at(1)
    assert terminal.getvalue().count("\x1b") == 1  # our own
    assert "\n" not in terminal.getvalue()


def test_nothing_is_shown_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=pipe))
    with Progress("disk.img", 100) as shown:
        shown.at(50)
    assert pipe.getvalue() == ""


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**50, "1024.0 TiB")]
)
def test_bytes_are_shown_as_people_read_them(number: int, shown: str) -> None:
    assert size(number) == shown


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "disk.img"
    made.write_bytes(bytes(5))
    return made


def send(recorder: Recorder, source: Path, stderr: int) -> bytes:
    command = [sys.executable, "-m", "peerpost", "--socket", str(recorder.path)]
    with source.open("rb") as given:
        ended = subprocess.run(
            [*command, "send", "ops", "--file", "-"],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=stderr,
            check=True,
            timeout=60,
        )
    return ended.stdout


def test_a_command_shows_it_on_a_terminal_and_nowhere_else(
    recorder: Recorder, source: Path
) -> None:
    leader, follower = pty.openpty()
    piped = send(recorder, source, follower)
    os.close(follower)
    shown = os.read(leader, 65536)
    os.close(leader)
    assert b"5 B" in shown
    assert b"\x1b" not in piped
