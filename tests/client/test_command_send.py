from __future__ import annotations

import io
import os

import pytest

from tests.client import samples
from tests.client.conftest import Run
from tests.client.recorder import Fault, Recorder

BOB = "bob@example.org"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """Stand in for standard input; write to it, then rewind."""
    content = io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content, encoding="utf-8"))
    return content


def fill(pipe: io.BytesIO, content: bytes) -> None:
    pipe.write(content)
    pipe.seek(0)


@pytest.mark.parametrize("dash", [[], ["-"]])
def test_the_text_comes_from_standard_input(
    dash: list[str], pipe: io.BytesIO, recorder: Recorder, run: Run
) -> None:
    fill(pipe, "zażółć\n\n".encode())
    assert run("send", "ops", *dash) == 0
    assert recorder.params("message.send")["text"] == "zażółć\n"


@pytest.mark.parametrize("content", [b"a\0b", b"\xff"])
def test_what_is_no_text_is_refused_with_a_hint(
    content: bytes,
    pipe: io.BytesIO,
    recorder: Recorder,
    run: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(pipe, content)
    assert run("send", "ops") == 2
    assert "--data" in capsys.readouterr().err
    assert recorder.requests == []


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_nothing_is_not_sent(
    content: bytes, pipe: io.BytesIO, recorder: Recorder, run: Run
) -> None:
    fill(pipe, content)
    assert run("send", "ops") == 2
    assert recorder.requests == []


def test_a_text_argument_that_is_not_utf8_is_refused(recorder: Recorder, run: Run) -> None:
    assert run("send", "ops", os.fsdecode(b"\xff")) == 2
    assert recorder.requests == []


def test_data_is_sent_to_the_last_byte(pipe: io.BytesIO, recorder: Recorder, run: Run) -> None:
    fill(pipe, b"a\0\xff\n")
    assert run("send", "ops", "--data", "--media-type", "image/png") == 0
    assert recorder.params("message.send") == {
        "channel": "ops",
        "data": "YQD/Cg==",
        "media_type": "image/png",
    }


def test_data_without_a_type_is_bytes(recorder: Recorder, run: Run) -> None:
    assert run("send", "ops", "abc", "--data") == 0
    assert recorder.params("message.send")["media_type"] == "application/octet-stream"


def test_a_media_type_for_a_text_is_refused(run: Run) -> None:
    assert run("send", "ops", "abc", "--media-type", "text/html") == 2


def test_without_text_on_a_terminal_nothing_is_waited_for(
    recorder: Recorder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())
    assert run("send", "ops") == 2
    assert recorder.requests == []


def test_an_input_without_end_has_a_bound(
    pipe: io.BytesIO, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerpost.content_input.MAXIMUM_INPUT_BYTES", 10)
    fill(pipe, b"x" * 11)
    assert run("send", "ops", "--data") == 2


def test_how_it_wants_to_be_shown_is_passed_on(recorder: Recorder, run: Run) -> None:
    shown = ["--title", "Disk", "--priority", "high", "--tag", "disk", "--mention", BOB]
    assert run("send", "ops", "*full*", *shown, "--markdown", "--at", "2026-11-22T15:00:00Z") == 0
    assert recorder.params("message.send") == {
        "channel": "ops",
        "text": "*full*",
        "title": "Disk",
        "priority": "high",
        "tags": ["disk"],
        "mentions": [BOB],
        "markdown": True,
        "send_at": "2026-11-22T15:00:00Z",
    }


def test_all_options_are_passed_on(recorder: Recorder, run: Run) -> None:
    options = ["--reply-to", "r", "--expires-in", "1h", "--key", "k", "--wait", "delivered"]
    assert run("send", "bob@example.org", "hi", "--timeout", "5", *options) == 0
    assert recorder.params("message.send") == {
        "to": "bob@example.org",
        "text": "hi",
        "reply_to": "r",
        "expires_in": 3600,
        "idempotency_key": "k",
        "wait": "delivered",
        "timeout": 5,
    }


def test_a_timeout_still_tells_the_message(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.answers["message.send"] = Fault("timeout", message=samples.ID)
    assert run("send", "ops", "hi", "--wait", "read") == 5
    assert capsys.readouterr().out == f"{samples.ID}\n"


def test_a_failed_delivery_is_a_failure(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {"status": "failed", "reason": "expired"}
    recorder.answers["message.send"] = samples.DELIVERY | failed
    assert run("send", "ops", "hi") == 1
    assert "expired" in capsys.readouterr().err
