"""Lines become messages: enough of them, or soon enough; nothing lost, nothing added."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerpost.batching import LONGEST_WAIT_SECONDS, MAXIMUM_BYTES, MAXIMUM_LINES, Batch, send_lines
from peerpost.errors import NoDaemonError, PeerpostError
from tests.client.conftest import Run
from tests.client.recorder import Recorder


def piped(data: bytes) -> int:
    """Return the reading end of a pipe that holds data and has ended."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading


def sent(data: bytes, send: list[Exception] | None = None) -> list[tuple[str, str]]:
    """Return texts and keys; `send` holds what the first calls raise."""
    source, found, faults = piped(data), list[tuple[str, str]](), send or []

    def take(text: str, key: str) -> None:
        found.append((text, key))
        if faults:
            raise faults.pop(0)

    try:
        send_lines(source, take)
    finally:
        os.close(source)
    return found


def test_lines_that_are_there_together_are_one_message() -> None:
    assert [text for text, _ in sent(b"one\ntwo\nthree")] == ["one\ntwo\nthree"]


def test_nothing_sends_nothing() -> None:
    assert sent(b"") == []


def test_a_message_holds_so_many_lines() -> None:
    texts = [text for text, _ in sent(b"x\n" * (MAXIMUM_LINES + 1))]
    assert [len(text.splitlines()) for text in texts] == [MAXIMUM_LINES, 1]


def test_what_waits_is_due_after_a_while() -> None:
    batch = Batch()
    assert batch.wait(0.0) is None
    assert list(batch.add(b"one\ntw", 10.0)) == []
    assert batch.wait(10.5) == LONGEST_WAIT_SECONDS - 0.5
    assert list(batch.flush()) == ["one"]
    assert list(batch.add(b"o\n", 11.0)) == []
    assert list(batch.end()) == ["two"]


@given(st.lists(st.binary(max_size=3 * MAXIMUM_BYTES), max_size=8))
def test_every_byte_comes_once_and_in_order(pieces: list[bytes]) -> None:
    batch, texts = Batch(), list[str]()
    for piece in pieces:
        texts += batch.add(piece, 0.0)
    texts += batch.end()
    whole = b"".join(pieces).replace(b"\0", b"?").decode("utf-8", "replace")
    if whole.isascii():
        assert "".join(texts).replace("\n", "").replace("\ufffd", "?") == whole.replace("\n", "")
    assert all(len(text.encode()) <= 4 * MAXIMUM_BYTES for text in texts)


def test_a_full_outbox_is_waited_for_with_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    found = sent(b"one\n", [PeerpostError("queue_full", "full", {"retry_after": 3})])
    assert found[0] == found[1]
    assert waits == [3.0]


def test_a_daemon_that_was_never_there_is_not_waited_for() -> None:
    with pytest.raises(NoDaemonError):
        sent(b"one\n", [NoDaemonError("no_daemon", "none")])


def test_every_message_of_a_stream_has_a_key_of_its_own() -> None:
    keys = [key for _, key in sent(b"x\n" * 3 * MAXIMUM_LINES)]
    assert all(one != other for one, other in pairwise(keys))


def test_the_command_sends_standard_input(
    recorder: Recorder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with os.fdopen(piped(b"one\ntwo\n")) as source:
        monkeypatch.setattr("sys.stdin", source)
        assert run("send", "ops", "--lines") == 0
    assert recorder.params("message.send")["text"] == "one\ntwo"


@pytest.mark.parametrize("more", [["text"], ["--key", "k"], ["--wait", "sent"]])
def test_lines_go_with_nothing_that_is_for_one_message(run: Run, more: list[str]) -> None:
    assert run("send", "ops", "--lines", *more) == 2
