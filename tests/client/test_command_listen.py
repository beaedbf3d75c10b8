from __future__ import annotations

import json
from typing import get_args

import pytest

from peerpost.commands.listen import KINDS
from peerpost_daemon.methods.event import Kind
from tests.client import samples
from tests.client.conftest import Run
from tests.client.recorder import Recorder


@pytest.fixture(autouse=True)
def _two_events(recorder: Recorder) -> None:
    recorder.events = [samples.event(1, "one"), samples.event(2, "two")]


def test_messages_are_printed_and_acknowledged(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("listen", "--consumer", "bot", "--count", "2") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("] ")[1] for line in lines] == [
        "bob@example.org: one",
        "bob@example.org: two",
    ]
    assert [params["cursor"] for params in recorder.calls("event.ack")] == [1, 2]
    assert recorder.params("event.subscribe") == {"consumer": "bot", "kinds": ["message"]}


def test_an_event_is_acknowledged_only_after_it_is_flushed(
    recorder: Recorder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_line: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("peerpost.terminal.write", broken)
    monkeypatch.setattr("peerpost.cli._discard_output", lambda: None)
    assert run("listen", "--consumer", "bot") == 141
    assert recorder.calls("event.ack") == []


def test_no_ack_leaves_the_events(recorder: Recorder, run: Run) -> None:
    assert run("listen", "--consumer", "bot", "--count", "2", "--no-ack") == 0
    assert recorder.calls("event.ack") == []


def test_json_lines_are_whole_events(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("listen", "--count", "2", "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["data"]["text"] for event in events] == ["one", "two"]


def test_the_filters_are_passed_on(recorder: Recorder, run: Run) -> None:
    filters = "--channel ops --channel dev --kind link --kind receipt --from 17"
    assert run("listen", "--count", "1", *filters.split()) == 0
    assert recorder.params("event.subscribe") == {
        "channels": ["ops", "dev"],
        "kinds": ["link", "receipt"],
        "from": 17,
    }


def test_the_terms_of_a_queue_are_passed_on(recorder: Recorder, run: Run) -> None:
    terms = (
        "--consumer bot --ack-seconds 1m --max-attempts 5 --window 10 --from 2026-11-22T15:00:00Z"
    )
    assert run("listen", "--count", "1", *terms.split()) == 0
    assert recorder.params("event.subscribe") == {
        "consumer": "bot",
        "kinds": ["message"],
        "from": "2026-11-22T15:00:00Z",
        "window": 10,
        "ack_seconds": 60.0,
        "max_attempts": 5,
    }


def test_too_few_events_in_time_is_a_timeout(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("listen", "--count", "3", "--timeout", "0.1") == 5
    assert capsys.readouterr().err == "peerpost: 2 of 3 events came in 0.1 s.\n"


def test_the_kinds_are_those_of_the_daemon() -> None:
    assert set(KINDS) == set(get_args(Kind))


def test_without_a_count_the_end_of_the_time_is_the_end(run: Run) -> None:
    assert run("listen", "--timeout", "0.1") == 0


def test_a_count_of_nothing_is_a_usage_error(recorder: Recorder, run: Run) -> None:
    assert run("listen", "--count", "0") == 2
    assert recorder.requests == []


def test_other_kinds_are_shown_by_their_fields(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    data = {"state": "online", "detail": None}
    recorder.events = [samples.event(1) | {"kind": "link", "data": data}]
    assert run("listen", "--count", "1", "--kind", "link") == 0
    assert capsys.readouterr().out.endswith("link state=online\n")


def test_a_daemon_that_goes_away_is_no_daemon(recorder: Recorder, run: Run) -> None:
    recorder.hang_up_after_events = True
    assert run("listen") == 3
