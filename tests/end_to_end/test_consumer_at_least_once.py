"""A consumer that dies between receiving and acknowledging gets the message again, until it acks."""

import asyncio
import json
import sys

from peerpost.types import Event
from tests.support.processes import environment
from tests.support.site import DaemonProcess

RECEIVE_AND_HANG = """
import sys, time
from peerpost import Client

with Client(sys.argv[1]) as client:
    for event in client.listen(consumer="worker", kinds=["message"]):
        print(event["cursor"], event["data"]["text"], flush=True)
"""
Pair = tuple[DaemonProcess, DaemonProcess]


async def received_then_killed(daemon: DaemonProcess, count: int) -> list[str]:
    """Run a consumer that never acknowledges; kill it once it has received so many messages."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RECEIVE_AND_HANG, str(daemon.socket)),
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        return [(await process.stdout.readline()).decode().strip() for _ in range(count)]
    finally:
        process.kill()
        await process.communicate()


async def next_events(daemon: DaemonProcess, count: int, *, ack: bool) -> list[Event]:
    """Return the consumer's next events."""
    found: list[Event] = []
    events = daemon.client.listen(consumer="worker", kinds=["message"], timeout=20)
    async with events:
        while len(found) < count:
            found.append(await anext(events))
            if ack:
                await events.ack(found[-1])
    return found


async def test_what_a_killed_consumer_did_not_acknowledge_comes_again(pair: Pair) -> None:
    alice, bob = pair
    for text in ("one", "two"):
        await alice.client.send(to=bob.identity, text=text)
    first = await received_then_killed(bob, 2)
    assert [line.split()[1] for line in first] == ["one", "two"]
    assert await received_then_killed(bob, 2) == first
    again = await next_events(bob, 2, ack=True)
    assert [f"{event['cursor']} {event['data']['text']}" for event in again] == first


async def test_what_was_acknowledged_does_not_come_again_after_a_crash(pair: Pair) -> None:
    alice, bob = pair
    for text in ("one", "two", "three"):
        await alice.client.send(to=bob.identity, text=text)
    await next_events(bob, 2, ack=True)
    await bob.restart()
    rest = await next_events(bob, 1, ack=False)
    assert [event["data"]["text"] for event in rest] == ["three"]


async def test_an_older_acknowledgement_takes_nothing_back(pair: Pair) -> None:
    alice, bob = pair
    for text in ("one", "two"):
        await alice.client.send(to=bob.identity, text=text)
    first, second = await next_events(bob, 2, ack=True)
    answer = await bob.client.event_ack("worker", first["cursor"])
    assert answer["cursor"] == second["cursor"]


async def test_listen_on_the_command_line_acknowledges_what_it_has_printed(pair: Pair) -> None:
    alice, bob = pair
    for text in ("one", "two"):
        await alice.client.send(to=bob.identity, text=text)
    listen = ("listen", "--consumer", "worker", "--count", "1", "--timeout", "20", "--json")
    texts = [json.loads((await bob.peerpost(*listen)).out)["data"]["text"] for _ in range(2)]
    assert texts == ["one", "two"]
