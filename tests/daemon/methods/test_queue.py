"""Queues: consumers that answer for each event alone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from peerpost import AsyncClient
from peerpost import Client as BlockingClient
from peerpost_daemon import queue_delivery
from peerpost_daemon.records import consumers, events, held
from peerpost_daemon.records.consumers import MAX_HELD
from tests.daemon.methods.house import BOB, PASSPHRASE, House, house, message_by
from tests.daemon.rpc.stage import Client, connected, request
from tests.support.people import NOW_MS

QUEUE = {"consumer": "bot", "kinds": ["message"], "ack_seconds": 60}


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_delivery, "LOOK_SECONDS", 0.01)


async def _said(alice: House, *texts: str) -> list[int]:
    """Let Bob say something; return the cursors of the events."""
    channel = await alice.channel(BOB) if not await _channels(alice) else await _the_channel(alice)
    found = []
    for text in texts:
        await alice.arrived(message_by(BOB, channel, text))
        found.append(await alice.daemon.read(events.newest))
    return found


async def _channels(alice: House) -> list[Any]:
    found: list[Any] = (await alice.result("channel.list"))["channels"]
    return found


async def _the_channel(alice: House) -> bytes:
    return bytes.fromhex((await _channels(alice))[0]["channel"])


async def _heard(alice: House) -> tuple[str, int | None]:
    event = await alice.event()
    return event["data"]["text"], event["attempt"]


async def _shown(alice: House) -> dict[str, Any]:
    found: dict[str, Any] = await alice.result("consumer.show", consumer="bot")
    return found


async def _other_hears(other: Client) -> tuple[str, int | None]:
    event = (await other.hear())["params"]
    return event["data"]["text"], event["attempt"]


async def test_events_are_done_with_in_any_order(alice: House) -> None:
    one, two, three = await _said(alice, "1", "2", "3")
    await alice.result("event.subscribe", **QUEUE)
    assert [await _heard(alice) for _ in range(3)] == [("1", 1), ("2", 1), ("3", 1)]
    for cursor, done_up_to in ((three, one - 1), (one, one), (two, three)):
        answer = await alice.result("event.ack", consumer="bot", cursor=cursor)
        assert answer["cursor"] == done_up_to
    assert (await _shown(alice))["in_flight"] == 0


async def test_the_window_bounds_what_is_unanswered(alice: House) -> None:
    first, *_ = await _said(alice, "1", "2", "3")
    await alice.result("event.subscribe", **QUEUE, window=2)
    assert [await _heard(alice) for _ in range(2)] == [("1", 1), ("2", 1)]
    assert (await _shown(alice))["in_flight"] == 2
    await alice.result("event.ack", consumer="bot", cursor=first)
    assert await _heard(alice) == ("3", 1)


async def test_a_stream_consumer_has_a_window_too(alice: House) -> None:
    first, second, _ = await _said(alice, "1", "2", "3")
    await alice.result("event.subscribe", consumer="bot", kinds=["message"], window=2)
    assert [(await _heard(alice))[0] for _ in range(2)] == ["1", "2"]
    await alice.result("event.ack", consumer="bot", cursor=second)
    assert await _heard(alice) == ("3", None)
    assert first < second == (await _shown(alice))["cursor"]


@pytest.mark.usefixtures("_quick")
async def test_no_answer_in_time_brings_an_event_again(alice: House) -> None:
    await _said(alice, "1")
    await alice.result("event.subscribe", **{**QUEUE, "ack_seconds": 0.02})
    assert [await _heard(alice) for _ in range(3)] == [("1", 1), ("1", 2), ("1", 3)]


async def test_what_is_deferred_holds_up_nothing(alice: House) -> None:
    one, two = await _said(alice, "1", "2")
    await alice.result("event.subscribe", **QUEUE, window=1)
    assert await _heard(alice) == ("1", 1)
    answer = await alice.result("event.nack", consumer="bot", cursor=one, delay=0.05)
    assert answer["state"] == "waiting"
    assert await _heard(alice) == ("2", 1)
    await alice.result("event.ack", consumer="bot", cursor=two)
    assert await _heard(alice) == ("1", 2)
    assert (await _shown(alice))["cursor"] == one - 1


async def test_after_so_many_attempts_an_event_is_a_dead_letter(alice: House) -> None:
    one, two = await _said(alice, "1", "2")
    await alice.result("event.subscribe", **QUEUE, max_attempts=2)
    assert [await _heard(alice) for _ in range(2)] == [("1", 1), ("2", 1)]
    await alice.result("event.ack", consumer="bot", cursor=two)
    await alice.result("event.nack", consumer="bot", cursor=one)
    assert await _heard(alice) == ("1", 2)
    answer = await alice.result("event.nack", consumer="bot", cursor=one)
    assert answer["state"] == "dead"
    (letter,) = (await alice.result("event.dead_letters", consumer="bot"))["dead_letters"]
    assert (letter["cursor"], letter["attempts"], letter["reason"]) == (one, 2, "refused")
    assert letter["data"]["text"] == "1"
    assert (await _shown(alice))["cursor"] == two


async def _dead_letter(alice: House) -> int:
    (one,) = await _said(alice, "1")
    await alice.result("event.subscribe", **QUEUE, max_attempts=1)
    await alice.event()
    await alice.result("event.nack", consumer="bot", cursor=one)
    return one


async def test_a_dead_letter_is_requeued_with_attempts_anew(alice: House) -> None:
    one = await _dead_letter(alice)
    assert (await alice.result("event.requeue", consumer="bot", cursor=one))["count"] == 1
    assert await _heard(alice) == ("1", 1)


async def test_a_dead_letter_is_discarded(alice: House) -> None:
    one = await _dead_letter(alice)
    assert (await alice.result("event.discard", consumer="bot"))["count"] == 1
    assert (await alice.result("event.dead_letters", consumer="bot"))["dead_letters"] == []
    for method in ("event.discard", "event.requeue", "event.nack"):
        error = await alice.error(method, consumer="bot", cursor=one)
        assert (error["kind"], error["field"]) == ("invalid_params", "cursor")


async def test_two_connections_of_a_queue_compete(alice: House) -> None:
    await alice.result("event.subscribe", **QUEUE, window=1)
    async with connected(alice.daemon.settings.socket) as other:
        await other.ask(request("event.subscribe", 1, consumer="bot"))
        await _said(alice, "1", "2")
        assert {await _heard(alice), await _other_hears(other)} == {("1", 1), ("2", 1)}


async def test_what_a_lost_connection_had_goes_to_another(alice: House) -> None:
    await _said(alice, "1", "2")
    async with connected(alice.daemon.settings.socket) as other:
        await other.ask(request("event.subscribe", 1, **QUEUE))
        assert await _other_hears(other) == ("1", 1)
        assert await _other_hears(other) == ("2", 1)
        await alice.result("event.subscribe", consumer="bot")
    assert [await _heard(alice) for _ in range(2)] == [("1", 2), ("2", 2)]


async def test_attempts_deferrals_and_dead_letters_survive_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as first:
        await first.open()
        one, two, three, _ = await _said(first, "1", "2", "3", "4")
        await first.result("event.subscribe", **QUEUE, max_attempts=2)
        for _ in range(4):
            await first.event()
        await first.result("event.nack", consumer="bot", cursor=one)
        await first.event()
        await first.result("event.nack", consumer="bot", cursor=one)
        await first.result("event.nack", consumer="bot", cursor=two, delay=3600)
        await first.result("event.ack", consumer="bot", cursor=three)
    async with house(tmp_path) as second:
        await second.result("daemon.unlock", passphrase=PASSPHRASE)
        shown = await _shown(second)
        assert (shown["dead_letters"], shown["deferred"], shown["cursor"]) == (1, 2, two - 1)
        await second.result("event.subscribe", consumer="bot")
        assert await _heard(second) == ("4", 2)


async def test_a_queue_goes_on_after_the_vault_was_locked(alice: House) -> None:
    await _said(alice, "1")
    await alice.result("event.subscribe", **QUEUE, window=1)
    assert await _heard(alice) == ("1", 1)
    async with connected(alice.daemon.settings.socket) as other:
        await other.ask(request("daemon.lock", 1))
        await other.ask(request("daemon.unlock", 2, passphrase=PASSPHRASE))
    assert await _heard(alice) == ("1", 2)


async def test_a_caller_that_is_gone_at_once_reads_no_more(alice: House) -> None:
    async with connected(alice.daemon.settings.socket) as other:
        await other.ask(request("event.subscribe", 1, **QUEUE))
    while (await _shown(alice))["subscriptions"]:
        continue


async def test_filters_and_terms_stay_until_they_are_changed(alice: House) -> None:
    id_ = (await alice.channel(BOB)).hex()
    await alice.result("event.subscribe", **QUEUE, channels=["ops"], window=7, max_attempts=3)
    await alice.result("event.subscribe", consumer="bot", kinds=None, ack_seconds=5)
    shown = await _shown(alice)
    kept = {"channels": [id_], "kinds": None, "window": 7, "ack_seconds": 5.0, "max_attempts": 3}
    assert kept.items() <= shown.items()
    assert shown["subscriptions"] == 2
    assert (await alice.result("consumer.list"))["consumers"] == [shown]


async def test_a_removed_consumer_is_forgotten(alice: House) -> None:
    await _said(alice, "1")
    await alice.result("event.subscribe", **QUEUE)
    await alice.event()
    await alice.result("consumer.remove", consumer="bot")
    for method in ("consumer.show", "consumer.remove", "event.dead_letters"):
        assert (await alice.error(method, consumer="bot"))["kind"] == "unknown_consumer"
    assert (await alice.daemon.read(lambda db: held.summary(db, "bot"))).flying == 0


async def test_what_was_not_delivered_cannot_be_answered(alice: House) -> None:
    await alice.result("event.subscribe", **QUEUE)
    for method in ("event.ack", "event.nack"):
        error = await alice.error(method, consumer="bot", cursor=10**6)
        assert (error["kind"], error["field"]) == ("invalid_params", "cursor")


async def test_only_a_queue_gives_events_back(alice: House) -> None:
    await alice.result("event.subscribe", consumer="bot")
    error = await alice.error("event.nack", consumer="bot", cursor=1)
    assert (error["kind"], error["field"]) == ("invalid_params", "consumer")


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"window": 5}, "window"),
        ({"ack_seconds": 5}, "ack_seconds"),
        ({"consumer": "bot", "max_attempts": 5}, "max_attempts"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-22T15:00:00"}, "from"),
    ],
)
async def test_terms_that_make_no_sense_are_named(
    alice: House, params: dict[str, object], field: str
) -> None:
    error = await alice.error("event.subscribe", **params)
    assert (error["kind"], error["field"]) == ("invalid_params", field)


async def test_a_subscriber_begins_at_a_time(alice: House) -> None:
    await _said(alice, "1", "2")
    newest = await alice.daemon.read(events.newest)
    await alice.daemon.write(
        lambda db: db.execute("UPDATE event SET at_ms = ? WHERE cursor = ?", (0, 1)).rowcount
    )
    for time, cursor in (("1970-01-01T00:00:00.001Z", 1), ("2999-01-01T00:00:00+01:00", newest)):
        answer = await alice.result("event.subscribe", **{"from": time}, kinds=["link"])
        assert answer["cursor"] == cursor


async def test_a_consumer_is_told_what_pruning_took(
    alice: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await alice.result("event.subscribe", consumer="bot", kinds=["link"])
    await _said(alice, "1", "2", "3")
    monkeypatch.setattr(events, "MAX_EVENTS", 2)
    newest = await alice.daemon.read(events.newest)
    await alice.daemon.write(lambda db: events.prune(db, NOW_MS))
    told = await alice.result("event.subscribe", consumer="bot")
    assert (told["lost"], told["cursor"]) == (newest - 2, newest - 2)
    assert (await alice.result("event.subscribe", consumer="bot"))["lost"] == 0
    assert (await _shown(alice))["lost"] == newest - 2
    await alice.result("event.subscribe", **{"from": newest}, kinds=["daemon"])
    assert (await alice.event())["data"]["change"] == "events_lost"


async def test_old_events_go_but_a_clock_that_jumped_empties_no_vault(
    alice: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _said(alice, "1", "2", "3")
    newest = await alice.daemon.read(events.newest)
    far = NOW_MS + 2 * events.MAX_AGE_MS
    assert await alice.daemon.write(lambda db: events.prune(db, far)) == 0
    monkeypatch.setattr(events, "MIN_EVENTS", 1)
    assert await alice.daemon.write(lambda db: events.prune(db, far)) == newest - 1


async def test_events_are_pruned_as_they_come(
    alice: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_EVENTS", 2)
    monkeypatch.setattr(events, "PRUNE_EVERY", 1)
    await _said(alice, "1", "2", "3", "4")
    (count,) = await alice.daemon.read(
        lambda db: db.execute("SELECT count(*) FROM event").fetchone()
    )
    assert count == 2


async def test_a_consumer_that_does_not_answer_is_reported(alice: House) -> None:
    await _said(alice, "1")
    await alice.result("event.subscribe", **QUEUE)
    await alice.event()
    late = NOW_MS + consumers.LAGGING_MS + 1
    assert await alice.daemon.read(lambda db: consumers.lagging(db, NOW_MS)) == []
    (found,) = await alice.daemon.read(lambda db: consumers.lagging(db, late))
    assert (found.consumer, found.reason, found.held, found.behind) == ("bot", "silent", 1, 1)


async def test_a_full_consumer_takes_nothing_new_and_is_reported(alice: House) -> None:
    await alice.result("event.subscribe", **QUEUE)
    await alice.daemon.write(
        lambda db: (
            db.executemany(
                "INSERT INTO held VALUES ('bot', ?, 'dead', 1, 0, 0, NULL)",
                [(-n,) for n in range(MAX_HELD)],
            ).rowcount
        )
    )
    await _said(alice, "1")
    (found,) = await alice.daemon.read(lambda db: consumers.lagging(db, NOW_MS))
    assert (found.reason, found.held) == ("full", MAX_HELD)
    await alice.result("event.discard", consumer="bot")
    assert await _heard(alice) == ("1", 1)


async def test_who_ends_a_subscription_gives_back_what_it_has_not_looked_at(alice: House) -> None:
    one, _, _ = await _said(alice, "1", "2", "3")
    begun = await alice.result("event.subscribe", **QUEUE)
    assert [await _heard(alice) for _ in range(3)] == [("1", 1), ("2", 1), ("3", 1)]
    number = begun["subscription"]
    await alice.result("event.unsubscribe", subscription=number, taken=[one])
    await alice.result("event.subscribe", **QUEUE)
    assert [await _heard(alice) for _ in range(3)] == [("1", 2), ("2", 1), ("3", 1)]


async def test_a_clients_listener_gives_back_what_it_read_ahead(alice: House) -> None:
    await _said(alice, "1", "2", "3")
    client = AsyncClient(str(alice.daemon.settings.socket))
    async with client.listen(consumer="bot", kinds=["message"], ack_seconds=60) as listener:
        event = await anext(listener)
        assert event["data"]["text"] == "1"
    await client.close()
    await alice.result("event.subscribe", **QUEUE)
    assert sorted([await _heard(alice) for _ in range(3)]) == [("1", 2), ("2", 1), ("3", 1)]


async def test_so_does_a_blocking_one(alice: House) -> None:
    await _said(alice, "1", "2", "3")
    await asyncio.to_thread(_look_at_one, str(alice.daemon.settings.socket))
    await alice.result("event.subscribe", **QUEUE)
    assert sorted([await _heard(alice) for _ in range(3)]) == [("1", 2), ("2", 1), ("3", 1)]


def _look_at_one(path: str) -> None:
    with (
        BlockingClient(path) as client,
        client.listen(consumer="bot", kinds=["message"], ack_seconds=60) as listener,
    ):
        assert next(listener)["kind"] == "message"
