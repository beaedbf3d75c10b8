from pathlib import Path

from tests.daemon.methods.house import BOB, CAROL, PASSPHRASE, House, house, message_by
from tests.daemon.rpc.stage import connected, request


async def _said(alice: House, count: int, name: str = "ops") -> None:
    channel = await alice.channel(BOB, name=name)
    for n in range(count):
        await alice.arrived(message_by(BOB, channel, f"{name} {n}", sequence=n))


async def test_an_unnamed_subscriber_hears_what_comes_from_now_on(alice: House) -> None:
    channel = await alice.channel(BOB)
    await alice.arrived(message_by(BOB, channel, "before"))
    subscribed = await alice.result("event.subscribe")
    await alice.arrived(message_by(BOB, channel, "after"))
    event = await alice.event()
    assert (event["kind"], event["data"]["text"]) == ("message", "after")
    assert event["subscription"] == subscribed["subscription"]
    assert event["cursor"] > subscribed["cursor"]


async def test_a_new_consumer_begins_at_the_start_after_its_answer(alice: House) -> None:
    await _said(alice, 300)
    params = {"consumer": "bot", "kinds": ["message"], "window": 300}
    subscribed = await alice.result("event.subscribe", **params)
    assert (subscribed["consumer"], subscribed["cursor"]) == ("bot", 0)
    heard = [(await alice.event())["data"]["text"] for _ in range(300)]
    assert heard == [f"ops {n}" for n in range(300)]


async def test_a_consumer_resumes_after_what_it_acknowledged(tmp_path: Path) -> None:
    async with house(tmp_path) as first:
        await first.open()
        await _said(first, 3)
        await first.result("event.subscribe", consumer="bot", kinds=["message"])
        cursor = (await first.event())["cursor"]
        await first.event(), await first.event()
        acknowledged = await first.result("event.ack", consumer="bot", cursor=cursor)
        assert acknowledged == {"consumer": "bot", "cursor": cursor}
    async with house(tmp_path) as second:
        await second.result("daemon.unlock", passphrase=PASSPHRASE)
        params = {"consumer": "bot", "kinds": ["message"], "from": "now"}
        assert (await second.result("event.subscribe", **params))["cursor"] == cursor
        assert (await second.event())["data"]["text"] == "ops 1"


async def test_acknowledging_less_changes_nothing(alice: House) -> None:
    await _said(alice, 3)
    await alice.result("event.subscribe", consumer="bot", **{"from": "now"}, kinds=["link"])
    for cursor, kept in ((3, 4), (1, 4), (2**53 - 1, 4)):
        answer = await alice.result("event.ack", consumer="bot", cursor=cursor)
        assert answer["cursor"] == kept


async def test_a_subscriber_chooses_where_to_begin(alice: House) -> None:
    await _said(alice, 3)
    for where, cursor in (("start", 0), ("now", 4), (2, 2), (0, 0)):
        answer = await alice.result("event.subscribe", **{"from": where}, kinds=["quarantine"])
        assert answer["cursor"] == cursor


async def test_filters_hold_and_the_cursor_passes_over_the_rest(alice: House) -> None:
    await _said(alice, 3, "ops")
    await _said(alice, 3, "dev")
    params = {"channels": ["dev"], "kinds": ["message"], "from": "start"}
    await alice.result("event.subscribe", **params)
    heard = [(await alice.event())["data"]["channel_name"] for _ in range(3)]
    assert heard == ["dev", "dev", "dev"]


async def test_events_that_are_not_messages_bring_their_data(alice: House) -> None:
    await alice.result("event.subscribe", **{"from": "start"}, kinds=["daemon"])
    event = await alice.event()
    assert (event["kind"], event["data"]) == ("daemon", {"change": "unlocked", "detail": None})


async def test_two_connections_of_one_consumer_both_hear(alice: House) -> None:
    channel = await alice.channel(BOB)
    await alice.result("event.subscribe", consumer="bot", **{"from": "now"})
    async with connected(alice.daemon.settings.socket) as other:
        await other.ask(request("event.subscribe", 1, consumer="bot"))
        await alice.arrived(message_by(BOB, channel, "hello"))
        assert (await alice.event())["data"]["text"] == "hello"
        assert (await other.hear())["params"]["data"]["text"] == "hello"


async def test_a_subscription_outlasts_a_locked_vault(alice: House) -> None:
    channel = await alice.channel(BOB)
    await alice.result("event.subscribe", kinds=["message"])
    async with connected(alice.daemon.settings.socket) as other:
        await other.ask(request("daemon.lock", 1))
        await other.ask(request("daemon.unlock", 2, passphrase=PASSPHRASE))
    await alice.arrived(message_by(BOB, channel, "hello"))
    assert (await alice.event())["data"]["text"] == "hello"


async def test_an_ended_subscription_is_silent(alice: House) -> None:
    channel = await alice.channel(BOB)
    number = (await alice.result("event.subscribe"))["subscription"]
    await alice.result("event.unsubscribe", subscription=number)
    await alice.arrived(message_by(BOB, channel, "hello"))
    assert (await alice.result("daemon.status"))["state"] == "ready"
    error = await alice.error("event.unsubscribe", subscription=number)
    assert (error["kind"], error["field"]) == ("unknown_subscription", "subscription")


async def test_a_subscription_ends_with_its_connection(alice: House) -> None:
    async with connected(alice.daemon.settings.socket) as other:
        await other.ask(request("event.subscribe", 1))
        (task,) = alice.daemon._tasks
    while not task.done():
        await alice.result("daemon.status")
    assert not alice.daemon._tasks


async def test_subscriptions_of_a_connection_are_bounded(tmp_path: Path) -> None:
    async with house(tmp_path, max_subscriptions=2) as small:
        await small.open()
        first = await small.result("event.subscribe")
        await small.result("event.subscribe")
        assert (await small.error("event.subscribe"))["kind"] == "too_many_requests"
        await small.result("event.unsubscribe", subscription=first["subscription"])
        await small.result("event.subscribe")


async def test_consumers_are_bounded(tmp_path: Path) -> None:
    async with house(tmp_path, max_consumers=1) as small:
        await small.open()
        for _ in range(2):
            await small.result("event.subscribe", consumer="a")
        error = await small.error("event.subscribe", consumer="b")
        assert error["kind"] == "too_many_requests"


async def test_nobody_acknowledges_for_an_unknown_consumer(alice: House) -> None:
    error = await alice.error("event.ack", consumer="bot", cursor=1)
    assert (error["kind"], error["field"]) == ("unknown_consumer", "consumer")


async def test_an_unknown_channel_or_kind_is_named(alice: House) -> None:
    error = await alice.error("event.subscribe", channels=["nowhere"], consumer="bot")
    assert (error["kind"], error["field"]) == ("unknown_channel", "channels")
    assert (await alice.error("event.ack", consumer="bot", cursor=1))["kind"] == "unknown_consumer"
    assert (await alice.error("event.subscribe", kinds=["weather"]))["kind"] == "invalid_params"


async def test_a_reader_who_is_slow_gets_everything(alice: House) -> None:
    channel = await alice.channel(BOB, CAROL)
    await alice.result("event.subscribe", kinds=["message"])
    long = "x" * 100_000
    for n in range(40):
        await alice.arrived(message_by(BOB, channel, f"{n} {long}", sequence=n))
    heard = [(await alice.event())["data"]["text"].split()[0] for _ in range(40)]
    assert heard == [f"{n}" for n in range(40)]
