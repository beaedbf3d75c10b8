"""A message from queued to read, and a queue whose daemon is killed in the middle."""

import json

from peerpost.types import Event
from tests.support.site import DaemonProcess

Pair = tuple[DaemonProcess, DaemonProcess]


async def test_a_message_is_read_once_its_receiver_says_so(pair: Pair) -> None:
    alice, bob = pair
    sent = await alice.client.send(to=bob.identity, text="hello", wait="delivered")
    assert sent["channel"] is not None
    assert (await alice.client.message_status(sent["message"]))["status"] == "delivered"
    marked = await bob.peerpost("read", alice.identity)
    assert (marked.code, marked.err) == (0, "")
    await alice.event("message.status", message=sent["message"], status="read")
    life = await alice.client.message_status(sent["message"])
    assert [step["status"] for step in life["history"]] == ["queued", "sent", "delivered", "read"]
    assert [recipient["read"] for recipient in life["recipients"]] == [True]
    assert (await bob.client.status())["messages"] == 1


async def test_send_waits_for_the_reader(pair: Pair) -> None:
    alice, bob = pair
    first = await alice.client.send(to=bob.identity, text="first", wait="delivered")
    assert first["channel"] is not None
    late = await alice.peerpost("send", bob.identity, "x", "--wait", "read", "--timeout", "0.3")
    assert late.code == 5
    await alice.client.send(to=bob.identity, text="last", wait="delivered")
    await bob.client.mark_read(first["channel"])
    await alice.event("message.status", message=late.out.strip(), status="read")
    shown = await alice.peerpost("status", late.out.strip())
    assert "read" in shown.out


async def _events(daemon: DaemonProcess, count: int) -> list[Event]:
    events = daemon.client.listen(consumer="bot", timeout=20)
    async with events:
        return [await anext(events) for _ in range(count)]


async def test_a_queue_survives_the_kill_of_its_daemon(pair: Pair) -> None:
    alice, bob = pair
    for text in ("dead", "deferred", "done", "unanswered"):
        await alice.client.send(to=bob.identity, text=text, wait="delivered")
    terms = {"kinds": ["message"], "ack_seconds": 3600.0, "max_attempts": 2}
    async with bob.client.listen(consumer="bot", timeout=20, **terms) as events:  # type: ignore[arg-type]
        dead, deferred, done, _unanswered = [await anext(events) for _ in range(4)]
        await events.nack(dead)
        await events.nack(await anext(events))
        await events.nack(deferred, delay=3600)
        await events.ack(done)
        await bob.restart()
    (letter,) = (await bob.client.dead_letters("bot"))["dead_letters"]
    assert (letter["data"]["text"], letter["reason"]) == ("dead", "refused")
    shown = json.loads((await bob.peerpost("consumers", "show", "bot", "--json")).out)
    assert (shown["deferred"], shown["cursor"]) == (2, deferred["cursor"] - 1)
    (again,) = await _events(bob, 1)
    assert (again["data"]["text"], again["attempt"]) == ("unanswered", 2)
    assert (await bob.peerpost("consumers", "requeue", "bot", "--all")).code == 0
    texts = [event["data"]["text"] for event in await _events(bob, 1)]
    assert texts == ["dead"]
