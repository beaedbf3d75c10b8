import json
import logging
import sys

from peerpost_daemon.log_lines import JsonLines, TextLines


def _record(message: str) -> logging.LogRecord:
    return logging.LogRecord("peerpost_daemon.x", logging.WARNING, "", 0, message, (), None)


def test_a_line_is_text() -> None:
    assert TextLines().format(_record("hello")) == "WARNING peerpost_daemon.x: hello"


def test_a_line_is_json_whatever_it_holds() -> None:
    line = JsonLines().format(_record('a "quoted"\nline'))
    assert "\n" not in line
    read = json.loads(line)
    assert (read["level"], read["message"]) == ("warning", 'a "quoted"\nline')


def test_a_trace_is_in_the_line() -> None:
    record = _record("failed")
    try:
        raise KeyError("x")
    except KeyError:
        record.exc_info = sys.exc_info()
    assert "KeyError" in json.loads(JsonLines().format(record))["trace"]
