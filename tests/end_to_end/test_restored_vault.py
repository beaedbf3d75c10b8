"""Yesterday's copy of a vault is put back, with real processes: nothing is lost, and nobody else notices."""

import shutil
from pathlib import Path

from tests.support.account import vault_of
from tests.support.site import DaemonProcess, Site


async def _say(daemon: DaemonProcess, channel: str, *texts: str) -> list[str]:
    """Send messages, each once everybody has the one before; return their ids."""
    said = [
        await daemon.client.send(channel=channel, text=text, wait="delivered", timeout=30.0)
        for text in texts
    ]
    return [one["message"] for one in said]


async def _holds(daemon: DaemonProcess, channel: str) -> list[tuple[str | None, int | None]]:
    """Return text and sequence of every message, by sender and sequence."""
    found = await vault_of(daemon.client, channel)
    found.sort(key=lambda one: (one["from"], one["sequence"] or 0))
    return [(one["text"], one["sequence"]) for one in found]


async def _alarms(daemon: DaemonProcess, last: str) -> list[str]:
    """Return the reasons of everything that was not taken until a message came."""
    reasons: list[str] = []
    kinds = ["message", "quarantine"]
    async with daemon.client.listen(kinds=kinds, from_="start", timeout=30.0) as events:
        async for event in events:
            if event["kind"] == "quarantine":
                reasons.append(event["data"]["reason"])
            elif event["data"]["text"] == last:
                return reasons
    raise AssertionError  # a listener ends by an error


async def test_a_vault_of_yesterday_gets_everything_back_and_goes_on(
    site: Site, tmp_path: Path
) -> None:
    await site.relay.start()
    alice, bob, carol = await site.members("alice", "bob", "carol")
    channel = (await alice.client.channel_create("ops", [bob.identity, carol.identity]))["channel"]
    for other in (bob, carol):
        await other.joined(channel)
    await _say(alice, channel, "a1", "a2")
    await _say(bob, channel, "b1")
    await alice.stop()
    shutil.copytree(alice.data, tmp_path / "yesterday")

    await alice.start()
    later = await _say(alice, channel, "a3", "a4")
    await _say(carol, channel, "c1")
    await alice.stop()
    await bob.client.send(channel=channel, text="b2", wait="sent", timeout=30.0)
    shutil.rmtree(alice.data)
    shutil.copytree(tmp_path / "yesterday", alice.data)

    await alice.start()
    assert (await alice.event("daemon", change="sequence_recovered"))["data"]["detail"]
    await _say(alice, channel, "a5")
    await _say(bob, channel, "b3")
    everything = [("a1", 1), ("a2", 2), ("a3", 3), ("a4", 4), ("a5", 5)]
    everything += [("b1", 1), ("b2", 2), ("b3", 3), ("c1", 1)]
    for member, last in ((alice, "b3"), (bob, "a5"), (carol, "b3")):
        assert await _holds(member, channel) == everything
        assert await _alarms(member, last) == []
    for message in later:
        assert (await alice.client.message_status(message))["status"] == "delivered"
    findings = (await alice.client.health())["findings"]
    assert "vault_rolled_back" in [one["kind"] for one in findings]


async def test_vault_and_relay_of_yesterday_go_on_above_what_was_said_since(
    site: Site, tmp_path: Path
) -> None:
    await site.relay.start()
    alice, bob = await site.members("alice", "bob")
    channel = (await alice.client.channel_create("ops", [bob.identity]))["channel"]
    await bob.joined(channel)
    await _say(alice, channel, "a1")
    places = (alice.data, site.relay.folder)
    await alice.stop()
    assert await site.relay.process.stop() == 0
    for place in places:
        shutil.copytree(place, tmp_path / "yesterday" / place.name)

    await site.relay.start()
    await alice.start()
    await _say(alice, channel, "a2", "a3")
    await alice.stop()
    assert await site.relay.process.stop() == 0
    for place in places:
        shutil.rmtree(place)
        shutil.copytree(tmp_path / "yesterday" / place.name, place)

    await site.relay.start()
    await alice.start()
    event = await alice.event("daemon", change="sequence_leapt")
    assert event["data"]["detail"] == f"1 became 3 in ops, by {bob.identity}"
    await _say(alice, channel, "a4")
    assert await _holds(bob, channel) == [("a1", 1), ("a2", 2), ("a3", 3), ("a4", 4)]
    assert await _alarms(bob, "a4") == []
    findings = (await alice.client.health())["findings"]
    assert {"receivers_ahead", "sequence_leapt"} <= {one["kind"] for one in findings}
