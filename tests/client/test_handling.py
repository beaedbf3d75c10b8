"""`peerpost listen --exec`: a command for each event, and an answer for what became of it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from peerpost.handling import ANSWER_SECONDS, LONGEST_DELAY_SECONDS, delay_before, variables
from tests.client import samples
from tests.client.conftest import Run
from tests.client.recorder import Recorder

LISTEN = ("listen", "--consumer", "bot", "--count", "1", "--exec")


@pytest.fixture(autouse=True)
def _a_queue(recorder: Recorder) -> None:
    recorder.events = [samples.event(1, "one") | {"attempt": 1}]
    recorder.answers["event.nack"] = {"consumer": "bot", "cursor": 1, "state": "waiting"}


def is_running(pid: str) -> bool:
    """Tell whether a process is there; one that only waits to be reaped is not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in "ZX"


def acked(recorder: Recorder) -> list[int]:
    return [call["cursor"] for call in recorder.calls("event.ack")]


def test_the_event_comes_on_standard_input_and_success_acknowledges_it(
    recorder: Recorder, run: Run, tmp_path: Path
) -> None:
    into = tmp_path / "event"
    assert run(*LISTEN, f"cat > {shlex.quote(str(into))}") == 0
    assert json.loads(into.read_text())["data"]["text"] == "one"
    assert acked(recorder) == [1]


def test_what_identifies_the_event_is_in_the_environment_and_its_text_is_not(
    run: Run, tmp_path: Path
) -> None:
    into = tmp_path / "environment"
    assert run(*LISTEN, f"env > {shlex.quote(str(into))}") == 0
    text = into.read_text()
    assert "PEERPOST_FROM=bob@example.org\n" in text
    assert "PEERPOST_ATTEMPT=1\n" in text
    assert "one" not in [line.partition("=")[2] for line in text.splitlines()]


def test_a_failure_lets_the_event_come_again(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*LISTEN, "exit 7") == 0
    assert acked(recorder) == []
    assert recorder.params("event.nack") == {"consumer": "bot", "cursor": 1, "delay": 1.0}
    assert "ended with 7; it comes again in 1 s" in capsys.readouterr().err


def test_a_dead_letter_is_said(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.answers["event.nack"] = {"consumer": "bot", "cursor": 1, "state": "dead"}
    run(*LISTEN, "exit 1")
    assert "it is a dead letter now" in capsys.readouterr().err


def test_a_command_that_takes_too_long_ends_with_all_it_has_started(
    recorder: Recorder, run: Run, tmp_path: Path
) -> None:
    child = tmp_path / "child"
    command = f"sleep 300 & echo $! > {shlex.quote(str(child))}; wait"
    assert run(*LISTEN, command, "--exec-timeout", "1.5") == 0
    assert recorder.calls("event.nack") != []
    assert not is_running(child.read_text().strip())


def test_a_message_is_never_part_of_the_command(
    recorder: Recorder, run: Run, tmp_path: Path
) -> None:
    hostile = f"$(touch {tmp_path}/owned)`touch {tmp_path}/owned`;touch {tmp_path}/owned"
    recorder.events[0]["data"] |= {"text": hostile, "channel_name": hostile, "from": hostile}
    assert run(*LISTEN, 'cat >/dev/null; echo "$PEERPOST_FROM" $PEERPOST_CHANNEL_NAME') == 0
    assert not (tmp_path / "owned").exists()


def test_several_run_at_once(recorder: Recorder, run: Run, tmp_path: Path) -> None:
    recorder.events = [samples.event(number) | {"attempt": 1} for number in (1, 2)]
    here = shlex.quote(str(tmp_path))
    meet = f"cd {here}; touch $PEERPOST_CURSOR; until [ -e 1 -a -e 2 ]; do sleep 0.01; done"
    assert run(*LISTEN[:3], "--count", "2", "--jobs", "2", "--exec", meet) == 0
    assert sorted(acked(recorder)) == [1, 2]


def test_the_terms_follow_from_what_was_asked(recorder: Recorder, run: Run) -> None:
    run(*LISTEN, "true", "--jobs", "3", "--exec-timeout", "10")
    params = recorder.params("event.subscribe")
    assert (params["window"], params["ack_seconds"]) == (3, 10 + ANSWER_SECONDS)
    assert params["max_attempts"] == 5


@pytest.mark.parametrize("wrong", [["--jobs", "0"], ["--no-ack"], ["--window", "2"]])
def test_options_that_do_not_go_with_a_command_are_refused(run: Run, wrong: list[str]) -> None:
    assert run(*LISTEN, "true", *wrong) == 2


def test_a_command_needs_a_consumer(run: Run) -> None:
    assert run("listen", "--exec", "true") == 2


def test_tries_come_later_each_time_up_to_a_bound() -> None:
    assert [delay_before(attempt) for attempt in (None, 1, 2, 3)] == [1.0, 1.0, 2.0, 4.0]
    assert delay_before(10_000) == LONGEST_DELAY_SECONDS


def test_a_variable_is_bounded_and_holds_no_nul() -> None:
    event: Any = samples.event(1)
    event["data"] |= {"from": "a\0b" + "\ud800" + "x" * 5_000}
    value = variables(event, "/run/s")["PEERPOST_FROM"]
    assert value.startswith("a\ufffdb?")
    assert len(value) == 1_000


def test_a_listener_that_is_ended_leaves_no_command_behind(
    recorder: Recorder, tmp_path: Path
) -> None:
    child = tmp_path / "child"
    command = f"echo $$ > {shlex.quote(str(child))}.new; mv {child}.new {child}; sleep 300"
    arguments = ["--socket", str(recorder.path), "listen", "--consumer", "bot", "--exec", command]
    with subprocess.Popen([sys.executable, "-m", "peerpost", *arguments]) as process:
        while not child.exists():
            assert process.poll() is None
        process.terminate()
        assert process.wait() == 128 + 15
    assert not is_running(child.read_text().strip())
    assert recorder.calls("event.nack") == recorder.calls("event.ack") == []
