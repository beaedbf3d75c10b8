from __future__ import annotations

import asyncio

import pytest

from peerpost import (
    AsyncClient,
    ConnectionLostError,
    LockedError,
    NoDaemonError,
    TimeoutWaitingError,
)
from peerpost import backoff as backoff_module
from tests.client import samples
from tests.client.recorder import HANG_UP, SILENCE, Fault, Recorder


async def test_the_methods_are_coroutines(recorder: Recorder) -> None:
    async with AsyncClient(str(recorder.path)) as client:
        assert (await client.status())["state"] == "ready"
        delivery = await client.send(to="bob@example.org", data=b"\0")
    assert delivery["message"] == samples.ID
    assert recorder.params("message.send") == {"to": "bob@example.org", "data": "AA=="}


async def test_concurrent_calls_share_one_connection(recorder: Recorder) -> None:
    recorder.answers["message.show"] = lambda params: samples.MESSAGE | params
    async with AsyncClient(str(recorder.path)) as client:
        calls = (client.message_show(str(number)) for number in range(300))
        messages = await asyncio.gather(*calls)
    assert [message["message"] for message in messages] == [str(n) for n in range(300)]
    assert recorder.connections == 1


async def test_a_call_without_answer_does_not_hold_up_others(recorder: Recorder) -> None:
    recorder.answers["daemon.lock"] = SILENCE
    async with AsyncClient(str(recorder.path)) as client:
        waiting = asyncio.ensure_future(client.lock())
        await client.status()
        assert not waiting.done()
        waiting.cancel()
        assert await client.status()


async def test_errors_have_their_classes(recorder: Recorder) -> None:
    recorder.answers["daemon.lock"] = Fault("locked")
    async with AsyncClient(str(recorder.path)) as client:
        with pytest.raises(LockedError):
            await client.lock()


async def test_without_a_daemon_there_is_no_daemon(recorder: Recorder) -> None:
    recorder.stop()
    async with AsyncClient(str(recorder.path)) as client:
        with pytest.raises(NoDaemonError):
            await client.status()
        with pytest.raises(NoDaemonError):
            await anext(client.listen(reconnect=True))
    recorder.start()


async def test_a_lost_connection_fails_what_waits_and_the_next_call_opens_another(
    recorder: Recorder,
) -> None:
    recorder.answers |= {"daemon.lock": SILENCE, "daemon.shutdown": HANG_UP}
    async with AsyncClient(str(recorder.path)) as client:
        waiting = asyncio.ensure_future(client.lock())
        with pytest.raises(ConnectionLostError):
            await client.shutdown()
        with pytest.raises(ConnectionLostError):
            await waiting
        assert await client.status()
    assert recorder.connections == 2


async def test_an_answer_in_time_is_demanded(recorder: Recorder) -> None:
    recorder.answers["daemon.status"] = SILENCE
    async with AsyncClient(str(recorder.path), timeout=0.05) as client:
        with pytest.raises(TimeoutWaitingError):
            await client.status()


async def test_events_come_in_order_and_are_acknowledged(recorder: Recorder) -> None:
    recorder.events = [samples.event(1), samples.event(2)]
    async with AsyncClient(str(recorder.path)) as client, client.listen(consumer="bot") as events:
        async for event in events:
            assert await events.ack(event) == {"consumer": "bot", "cursor": event["cursor"]}
            if event["cursor"] == 2:
                break
    assert len(recorder.calls("event.ack")) == 2


async def test_a_flood_of_events_waits_in_the_daemon_while_calls_go_on(
    recorder: Recorder,
) -> None:
    recorder.events = [samples.event(number, "x" * 1_000) for number in range(1, 1_001)]
    async with AsyncClient(str(recorder.path)) as client, client.listen() as events:
        assert await client.status()
        assert events._connection is not None
        read_ahead = events._connection._reader._buffer  # type: ignore[attr-defined]
        seen = [(await anext(events))["cursor"] for _ in range(1_000)]
        assert len(read_ahead) <= 3 * 64 * 1024
    assert seen == list(range(1, 1_001))


async def test_a_lost_daemon_is_found_again(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff_module, "FIRST_DELAY", 0.001)
    recorder.events = [samples.event(5)]
    recorder.hang_up_after_events = True
    async with AsyncClient(str(recorder.path)) as client:
        events = client.listen(from_="now", reconnect=True)
        assert [(await anext(events))["cursor"] for _ in range(2)] == [5, 5]
    starts = [params["from"] for params in recorder.calls("event.subscribe")]
    assert starts == ["now", 5]


async def test_a_lost_daemon_is_an_error_unless_reconnecting(recorder: Recorder) -> None:
    recorder.hang_up_after_events = True
    async with AsyncClient(str(recorder.path)) as client:
        events = client.listen()
        with pytest.raises(NoDaemonError):
            await anext(events)
        assert not events.is_open


async def test_listening_ends_when_its_time_has_passed(recorder: Recorder) -> None:
    async with AsyncClient(str(recorder.path)) as client:
        with pytest.raises(TimeoutWaitingError):
            await anext(client.listen(timeout=0.05))


async def test_a_subscription_that_is_not_answered_times_out(recorder: Recorder) -> None:
    recorder.answers["event.subscribe"] = SILENCE
    async with AsyncClient(str(recorder.path), timeout=0.05) as client:
        with pytest.raises(TimeoutWaitingError):
            await anext(client.listen())


async def test_a_closed_listener_ends(recorder: Recorder) -> None:
    async with AsyncClient(str(recorder.path)) as client:
        events = client.listen()
        await events.close()
        assert [event async for event in events] == []
