"""`peerpost request` and `reply`: what they ask, print, and end with."""

from __future__ import annotations

import pytest

from tests.client import samples
from tests.client.conftest import Run
from tests.client.recorder import Fault, Recorder

BOB = "bob@example.org"
ANSWER = samples.MESSAGE | {"text": "all is well", "answers": samples.ID}


def test_a_request_prints_its_answers(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.answers["message.send"] = samples.DELIVERY | {"answers": [ANSWER, ANSWER]}
    assert run("request", "ops", "well?", "--responses", "2", "--timeout", "60") == 0
    asked = {"channel": "ops", "text": "well?", "expect_reply": True}
    assert recorder.params("message.send") == asked | {"responses": 2, "timeout": 60}
    assert capsys.readouterr().out == "all is well\nall is well\n"


def test_answers_that_came_in_time_are_printed_though_others_did_not(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.answers["message.send"] = Fault("timeout", answers=[ANSWER])
    assert run("request", BOB, "well?", "--responses", "2") == 5
    assert capsys.readouterr().out == "all is well\n"


def test_a_reply_to_a_request_answers_it(recorder: Recorder, run: Run) -> None:
    recorder.answers["message.show"] = samples.MESSAGE | {"expects_reply": True}
    assert run("reply", samples.ID, "yes") == 0
    assert recorder.params("message.send") == {"answers": samples.ID, "text": "yes"}


def test_a_reply_to_anything_else_names_it(recorder: Recorder, run: Run) -> None:
    assert run("reply", samples.ID, "yes") == 0
    where = {"channel": samples.CHANNEL_ID, "reply_to": samples.ID}
    assert recorder.params("message.send") == where | {"text": "yes"}
