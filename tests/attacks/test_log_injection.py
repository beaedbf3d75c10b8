"""A relay or a member names things so that they look like log lines of their own, or steer a terminal.

Identities, names, media types, file names and the relay's details may get into a log. Whatever they hold, an entry is
one line, in text and in JSON, at both ends; a trace follows indented.
"""

import json
import logging
import sys

import pytest

import peerpost_daemon.log_lines
import peerpost_relay.log_lines

FORGED = [
    "x\nERROR peerpost_daemon: the vault was sent to mallory",
    "x\r\n2026-11-22 10:00:00,000 INFO peerpost_relay: token created",
    "x\x1b[2K\x1b[1AINFO nothing happened",
    "x\u2028WARNING forged",
    "x\x85WARNING forged",
    "x\u202eevil",
    "x\x00y\x07",
]
TEXT = [peerpost_daemon.log_lines.TextLines(), peerpost_relay.log_lines.TextLines()]
JSON = [peerpost_daemon.log_lines.JsonLines(), peerpost_relay.log_lines.JsonLines()]


def _entry(named: str) -> logging.LogRecord:
    return logging.LogRecord("peerpost", logging.INFO, "", 0, "refused: %s", (named,), None)


def _failed(named: str) -> logging.LogRecord:
    record = _entry("x")
    try:
        raise ValueError(named)
    except ValueError:
        record.exc_info = sys.exc_info()
    return record


@pytest.mark.parametrize("named", FORGED)
@pytest.mark.parametrize("form", TEXT, ids=["daemon", "relay"])
def test_a_text_entry_is_one_line_that_prints(form: logging.Formatter, named: str) -> None:
    assert form.format(_entry(named)).isprintable()


@pytest.mark.parametrize("named", FORGED)
@pytest.mark.parametrize("form", TEXT, ids=["daemon", "relay"])
def test_the_lines_of_a_trace_cannot_begin_an_entry(form: logging.Formatter, named: str) -> None:
    _, *trace = form.format(_failed(named)).split("\n")
    assert trace
    assert all(line.startswith("    ") and line.isprintable() for line in trace)


@pytest.mark.parametrize("named", FORGED)
@pytest.mark.parametrize("form", JSON, ids=["daemon", "relay"])
def test_a_json_entry_is_one_line(form: logging.Formatter, named: str) -> None:
    line = form.format(_entry(named))
    assert line.isprintable()
    assert json.loads(line)["message"] == f"refused: {named}"
