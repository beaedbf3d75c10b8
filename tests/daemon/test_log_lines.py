"""Log lines of both services: their form, their priorities, and what is said again and again."""

import json
import logging
import os
import sys
from pathlib import Path

import pytest

import peerpost_daemon.log_lines
import peerpost_relay.log_lines
from peerpost_daemon.log_lines import (
    BURST_LINES,
    MAX_KINDS,
    SPAN_SECONDS,
    JsonLines,
    Lines,
    Repeats,
    TextLines,
    priority,
    to_journal,
)

DOCUMENT = Path(__file__).parents[2] / "docs/operating.md"
Captured = pytest.CaptureFixture[str]


def _record(message: str, *arguments: object) -> logging.LogRecord:
    made = logging.LogRecord("peerpost_daemon.x", logging.WARNING, "", 0, message, arguments, None)
    made.created = 1_795_000_000.5
    return made


def _failed() -> logging.LogRecord:
    record = _record("failed")
    try:
        raise KeyError("x")
    except KeyError:
        record.exc_info = sys.exc_info()
    return record


def test_a_line_is_text_with_its_time() -> None:
    said = TextLines().format(_record("hello"))
    assert said == "2026-11-18T11:06:40.500Z WARNING peerpost_daemon.x: hello"


def test_a_line_is_json_whatever_it_holds() -> None:
    line = JsonLines().format(_record('a "quoted"\nline'))
    assert "\n" not in line
    read = json.loads(line)
    assert (read["level"], read["message"]) == ("warning", 'a "quoted"\nline')
    assert (read["at"], read["logger"]) == ("2026-11-18T11:06:40.500Z", "peerpost_daemon.x")


def test_a_trace_is_in_the_line() -> None:
    assert "KeyError" in json.loads(JsonLines().format(_failed()))["trace"]


def test_every_field_of_json_is_documented() -> None:
    record = _failed()
    record.repeated = 3
    documented = DOCUMENT.read_text()
    for field in json.loads(JsonLines().format(record)):
        assert f"`{field}`" in documented


def test_every_line_for_the_journal_has_its_priority(capsys: Captured) -> None:
    Lines("text", journal=True).emit(_failed())
    first, *trace = capsys.readouterr().err.splitlines()
    assert first == "<4>WARNING peerpost_daemon.x: failed"
    assert trace
    assert all(line.startswith("<4>    ") for line in trace)


def test_json_for_the_journal_has_a_priority_too(capsys: Captured) -> None:
    Lines("json", journal=True).emit(_record("hello"))
    said = capsys.readouterr().err
    assert json.loads(said.removeprefix("<4>"))["message"] == "hello"


@pytest.mark.parametrize(("level", "expected"), [(10, 7), (20, 6), (30, 4), (40, 3), (50, 3)])
def test_levels_are_the_priorities_of_syslog(level: int, expected: int) -> None:
    assert priority(level) == expected


def test_the_journal_is_known_by_device_and_inode(tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as stream:
        found = os.fstat(stream.fileno())
        named = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert to_journal(named, stream.fileno())
        assert not to_journal({"JOURNAL_STREAM": "1:2"}, stream.fileno())
        assert not to_journal({}, stream.fileno())


class Seconds:
    """Be a clock that is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_said_again_and_again_is_counted_and_told_after_its_span() -> None:
    seconds = Seconds()
    repeats = Repeats(seconds)
    admitted = [repeats.admits(_record("refused: %s", n)) for n in range(BURST_LINES + 5)]
    assert admitted == [True] * BURST_LINES + [False] * 5
    assert list(repeats.ended()) == []
    seconds.now = SPAN_SECONDS
    (told,) = repeats.ended()
    assert told.getMessage() == f"repeated 5 times: refused: {BURST_LINES + 4}"
    assert json.loads(JsonLines().format(told))["repeated"] == 5
    assert repeats.admits(_record("refused: %s", 0))


def test_another_line_is_written_meanwhile() -> None:
    repeats = Repeats(Seconds())
    for _ in range(BURST_LINES + 1):
        repeats.admits(_record("refused"))
    assert repeats.admits(_record("stopping"))


def test_what_is_counted_is_bounded() -> None:
    repeats = Repeats(Seconds())
    for number in range(10 * MAX_KINDS):
        list(repeats.ended())
        repeats.admits(_record(f"kind {number}"))
    assert len(repeats._counts) <= MAX_KINDS


def test_the_last_count_is_told_when_the_log_ends(capsys: Captured) -> None:
    lines = Lines("text")
    for _ in range(BURST_LINES + 3):
        lines.emit(_record("refused"))
    lines.close()
    assert capsys.readouterr().err.splitlines()[-1].endswith("repeated 3 times: refused")


def test_relay_and_daemon_log_in_the_same_way() -> None:
    modules = (peerpost_daemon.log_lines, peerpost_relay.log_lines)
    one, other = (Path(str(module.__file__)).read_bytes() for module in modules)
    assert one == other
