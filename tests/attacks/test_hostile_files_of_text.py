"""A file that a person or a program hands over holds what no honest one does: lists in lists, numbers of 5,000 digits.

Exports, configurations and lists of fingerprints are written by others than who reads them here. Whatever they hold,
the answer is a sentence that says what is wrong, soon, and no trace.
"""

from pathlib import Path

import pytest

from peerpost.commands import history
from peerpost.errors import UsageError
from peerpost_daemon import fingerprints
from peerpost_daemon.configuration import DaemonConfiguration
from peerpost_daemon.errors import DaemonError
from peerpost_protocol import configuration
from peerpost_protocol.errors import MalformedError
from peerpost_relay.configuration import RelayConfiguration

DEEP = 100_000
DIGITS = b"9" * 5_000


@pytest.mark.parametrize("line", [b"[" * DEEP, b'{"a":' * DEEP, b'{"sent_at_ms":' + DIGITS + b"}"])
def test_a_line_of_an_export_is_no_message(line: bytes) -> None:
    with pytest.raises(UsageError, match=r"Line 1 is no exported message\."):
        list(history._messages([line]))


@pytest.mark.parametrize("value", [b"[" * DEEP, DIGITS, b"{a=" * DEEP, b"\xff"])
def test_a_value_of_a_configuration_is_no_toml(value: bytes) -> None:
    with pytest.raises(MalformedError):
        configuration.read(DaemonConfiguration, b"max_history_bytes = " + value)


@pytest.mark.parametrize("text", ["inf", "1e400", "nan", "-inf", "1e12"])
def test_a_time_that_no_clock_counts_is_refused(text: str) -> None:
    folders = {"data": Path("/data"), "socket": Path("/socket")}
    queued = f"max_queued_seconds = {text}".encode()
    with pytest.raises(MalformedError) as refused:
        configuration.read(DaemonConfiguration, queued, defaults=folders)
    assert refused.value.field == "max_queued_seconds"
    with pytest.raises(MalformedError) as refused:
        configuration.read(RelayConfiguration, f"[edge]\nclose_seconds = {text}".encode())
    assert refused.value.field == "edge.close_seconds"


def test_an_option_is_no_number() -> None:
    with pytest.raises(MalformedError):
        configuration.read(RelayConfiguration, assigned=[f"relay.waiting_days={DIGITS.decode()}"])


def test_a_list_without_end_is_read_to_its_bound() -> None:
    text = "\n" * (2 * fingerprints.MAX_LIST_CHARACTERS)
    with pytest.raises(DaemonError, match=f"at most {fingerprints.MAX_LINES}"):
        fingerprints.parse(text)
