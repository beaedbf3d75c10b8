from __future__ import annotations

import json

import pytest

from peerpost import Client, LockedError, NoDaemonError, PeerpostError, TimeoutWaitingError
from peerpost import backoff as backoff_module
from peerpost.listener import Listener
from peerpost.subscription import MAXIMUM_READY_EVENTS, Subscription
from tests.client import samples
from tests.client.recorder import Fault, Recorder


def cursors(listener: Listener, count: int) -> list[int]:
    return [next(listener)["cursor"] for _ in range(count)]


def test_events_come_in_order_and_are_acknowledged(recorder: Recorder) -> None:
    recorder.events = [samples.event(1), samples.event(2)]
    with Client(str(recorder.path)) as client, client.listen(consumer="bot") as events:
        for event in events:
            events.ack(event)
            if event["cursor"] == 2:
                break
    assert recorder.calls("event.ack") == [
        {"consumer": "bot", "cursor": 1},
        {"consumer": "bot", "cursor": 2},
    ]


def test_the_filters_are_sent(recorder: Recorder) -> None:
    with Client(str(recorder.path)) as client:
        client.listen(channels=["ops"], kinds=("link",), from_="start")
    assert recorder.params("event.subscribe") == {
        "channels": ["ops"],
        "kinds": ["link"],
        "from": "start",
    }


def test_a_listener_without_a_name_acknowledges_nothing(recorder: Recorder) -> None:
    recorder.events = [samples.event(1)]
    with Client(str(recorder.path)) as client:
        events = client.listen()
        assert client.ack(next(events)) is None
    assert recorder.calls("event.ack") == []


def test_an_event_of_a_queue_is_given_back(recorder: Recorder) -> None:
    recorder.events = [samples.event(1)]
    with (
        Client(str(recorder.path)) as client,
        client.listen(consumer="bot", ack_seconds=60) as events,
    ):
        events.nack(next(events), delay=5)
    assert recorder.params("event.nack") == {"consumer": "bot", "cursor": 1, "delay": 5}


def test_events_that_overtake_the_answer_are_kept(recorder: Recorder) -> None:
    recorder.early_events = [samples.event(1)]
    recorder.events = [samples.event(2)]
    with Client(str(recorder.path)) as client:
        assert cursors(client.listen(), 2) == [1, 2]


def test_calls_go_on_while_events_wait(recorder: Recorder) -> None:
    recorder.events = [samples.event(number) for number in range(1, 200)]
    with Client(str(recorder.path)) as client:
        events = client.listen()
        assert client.status()["state"] == "ready"
        assert cursors(events, 199) == list(range(1, 200))


def test_a_refused_subscription_is_an_error_at_once(recorder: Recorder) -> None:
    recorder.answers["event.subscribe"] = Fault("locked")
    with Client(str(recorder.path)) as client, pytest.raises(LockedError):
        client.listen(reconnect=True)


def test_a_lost_daemon_is_an_error_unless_reconnecting(recorder: Recorder) -> None:
    recorder.hang_up_after_events = True
    with Client(str(recorder.path)) as client, pytest.raises(NoDaemonError):
        next(client.listen())


def test_an_unnamed_listener_resumes_after_what_it_has_seen(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff_module, "FIRST_DELAY", 0.001)
    recorder.events = [samples.event(5)]
    recorder.hang_up_after_events = True
    with Client(str(recorder.path)) as client:
        cursors(client.listen(from_="now", reconnect=True), 2)
    starts = [params["from"] for params in recorder.calls("event.subscribe")]
    assert starts == ["now", 5]


def test_a_named_listener_leaves_its_place_to_the_daemon(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff_module, "FIRST_DELAY", 0.001)
    recorder.events = [samples.event(5)]
    recorder.hang_up_after_events = True
    with Client(str(recorder.path)) as client:
        cursors(client.listen(consumer="bot", reconnect=True), 2)
    again = recorder.calls("event.subscribe")[1]
    assert again == {"consumer": "bot", "from": 0}  # where it began, were the name forgotten


def test_reconnecting_waits_for_a_locked_vault(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff_module, "FIRST_DELAY", 0.001)
    answers = iter([{"cursor": 0}, Fault("locked"), Fault("shutting_down"), {"cursor": 0}])
    recorder.answers["event.subscribe"] = lambda _params: next(answers)
    recorder.hang_up_after_events = True
    with Client(str(recorder.path)) as client:
        events = client.listen(reconnect=True)
        recorder.events = [samples.event(1)]
        assert cursors(events, 1) == [1]


def test_listening_ends_when_its_time_has_passed(recorder: Recorder) -> None:
    with Client(str(recorder.path)) as client, pytest.raises(TimeoutWaitingError):
        next(client.listen(timeout=0.05))


def test_reconnecting_ends_when_its_time_has_passed(recorder: Recorder) -> None:
    recorder.hang_up_after_events = True
    with Client(str(recorder.path)) as client:
        events = client.listen(timeout=0.2, reconnect=True)
        recorder.answers["event.subscribe"] = Fault("locked")
        with pytest.raises(TimeoutWaitingError):
            next(events)


def test_a_closed_listener_ends(recorder: Recorder) -> None:
    with Client(str(recorder.path)) as client:
        events = client.listen()
        events.close()
        assert list(events) == []


def test_the_client_closes_its_listeners(recorder: Recorder) -> None:
    with Client(str(recorder.path)) as client:
        events = client.listen()
    assert not events.is_open


@pytest.mark.parametrize("params", [None, {}, {"cursor": "1"}, {"cursor": 1, "kind": "x"}])
def test_an_event_of_another_form_is_an_error(params: object) -> None:
    line = json.dumps({"method": "event", "params": params}).encode()
    with pytest.raises(PeerpostError) as caught:
        Subscription().received(line)
    assert caught.value.kind == "bad_answer"


def test_events_before_the_answer_have_a_bound() -> None:
    subscription = Subscription()
    line = json.dumps({"method": "event", "params": samples.event(1)}).encode()
    for _ in range(MAXIMUM_READY_EVENTS):
        subscription.received(line)
    with pytest.raises(PeerpostError):
        subscription.received(line)


def test_delays_grow_up_to_a_bound_and_are_cut_by_at_most_a_half() -> None:
    delays = backoff_module.delays()
    first = [next(delays) for _ in range(20)]
    assert 0.5 * backoff_module.FIRST_DELAY <= first[0] <= backoff_module.FIRST_DELAY
    longest = backoff_module.LONGEST_DELAY
    assert all(0.5 * longest <= delay <= longest for delay in first[10:])
