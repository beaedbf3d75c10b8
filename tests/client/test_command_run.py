"""`peerpost run`: the command's own exit code and outputs, and a message about them."""

from __future__ import annotations

import sys

import pytest

from tests.client.conftest import Run
from tests.client.recorder import Fault, Recorder

SAY = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(int(sys.argv[1]))"


def said(code: int) -> list[str]:
    return [sys.executable, "-c", SAY, str(code)]


def test_the_outcome_is_sent_with_the_end_of_what_was_said(recorder: Recorder, run: Run) -> None:
    assert run("run", "ops", "--", *said(3)) == 3
    text = recorder.params("message.send")["text"]
    assert "failed with exit code 3 after " in text
    assert sorted(text.splitlines()[-2:]) == ["err", "out"]


def test_the_outputs_stay_what_they_are(
    run: Run, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run("run", "ops", "--", *said(0)) == 0
    assert capfdbinary.readouterr() == (b"out\n", b"err\n")


def test_a_success_can_stay_unsaid(recorder: Recorder, run: Run) -> None:
    assert run("run", "ops", "--on-failure", "--", *said(0)) == 0
    assert recorder.calls("message.send") == []
    assert run("run", "ops", "--on-failure", "--", *said(1)) == 1
    assert len(recorder.calls("message.send")) == 1


def test_no_tail_is_sent_where_none_is_wanted(recorder: Recorder, run: Run) -> None:
    run("run", "bob@example.org", "--tail", "0", "--", *said(0))
    sent = recorder.params("message.send")
    assert sent["to"] == "bob@example.org"
    assert len(sent["text"].splitlines()) == 1


def test_a_command_that_is_not_there_is_an_outcome_too(recorder: Recorder, run: Run) -> None:
    assert run("run", "ops", "--", "/no/such/command") == 127
    assert "failed with exit code 127" in recorder.params("message.send")["text"]


def test_a_signal_is_shown_as_a_shell_shows_it(run: Run) -> None:
    kill = "import os; os.kill(os.getpid(), 9)"
    assert run("run", "ops", "--", sys.executable, "-c", kill) == 137


def test_what_cannot_be_sent_does_not_change_the_exit_code(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.answers["message.send"] = Fault("queue_full")
    assert run("run", "ops", "--", *said(0)) == 0
    assert "The outcome was not sent" in capsys.readouterr().err


def test_options_of_the_command_are_its_own(recorder: Recorder, run: Run) -> None:
    assert run("run", "ops", "--", sys.executable, "-c", "print(1)", "--json") == 0
    assert "--json" in recorder.params("message.send")["text"]


def test_a_long_output_is_cut_to_its_end(recorder: Recorder, run: Run) -> None:
    many = "print('\\n'.join(map(str, range(100000))))"
    assert run("run", "ops", "--tail", "2", "--", sys.executable, "-c", many) == 0
    assert recorder.params("message.send")["text"].splitlines()[-2:] == ["99998", "99999"]


def test_without_a_command_it_is_wrongly_used(run: Run) -> None:
    assert run("run", "ops") == 2
