"""The relay removes mallory for everybody but bob: it withholds the event from him, and goes on with her beside him.

Until somebody who knows better writes, bob cannot tell this from silence. The next envelope of alice names the newer
roster: bob is told that there is one he does not know, and asks for the roster's log. What was sealed under it is shown
once the log is had, and nothing of it before. What bob himself says under the old roster reaches nobody who knows of
the removal.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.frames import Deliver, Item, ItemKind, RelayFrame, RosterPage
from tests.attacks.scene import ALICE, BOB, CAROL, MALLORY, scene
from tests.support.malicious_relay import honest


def _without_events(items: list[Item]) -> list[Item]:
    return [item for item in items if item.kind is not ItemKind.ROSTER_EVENT]


async def test_a_hidden_removal_is_noticed_with_the_next_envelope(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.relay.rewrite(s.bob.card.id, _without_events)
        await s.alice.engine.channels.remove(s.channel, [MALLORY])
        await s.alice.send(s.channel, "without mallory")
        event = await s.bob.told("quarantine")
        assert (event["reason"], event["from_card"]) == ("unknown_roster", s.alice.card.id.hex())
        await s.bob.shows(s.channel, "without mallory")
        assert MALLORY not in (await s.bob.follows(s.channel, 1)).members


async def test_what_waits_for_a_hidden_log_is_shown_in_order_once_it_is_had(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.relay.say = partial(_without_log, s.bob.card.id)
        await s.alice.engine.channels.remove(s.channel, [MALLORY])
        for text in ("one", "two"):
            await s.alice.send(s.channel, text)
        await s.bob.until(lambda db: len(_quarantined(db)) == 2)
        assert await s.bob.texts(s.channel) == []
        s.relay.say = honest
        await s.alice.send(s.channel, "three")
        await s.bob.shows(s.channel, "one", "two", "three")
        assert await s.bob.read(_quarantined) == []


async def test_who_writes_under_the_old_roster_learns_the_new_one(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.relay.rewrite(s.bob.card.id, _without_events)
        await s.alice.engine.channels.remove(s.channel, [MALLORY])
        await s.alice.follows(s.channel, 1)
        s.relay.say = honest
        s.bob.engine._link.reconnect()
        row = await s.bob.outgoing(await s.bob.send(s.channel, "to alice alone"), "delivered")
        assert s.mallory.card.id not in row.recipients
        assert await s.alice.texts(s.channel) == ["to alice alone"]


def _without_log(ear: bytes, whose: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
    if whose == ear and isinstance(said, RosterPage):
        return [replace(said, events=(), more=False)]
    if whose == ear and isinstance(said, Deliver):
        items = _without_events(list(said.items))
        return [replace(said, items=tuple(items))] if items else []
    return [said]


def _quarantined(db: SqlConnection) -> list[tuple[str]]:
    return db.execute("SELECT reason FROM quarantine").fetchall()


async def test_what_is_said_under_the_old_roster_is_stale_for_the_others(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.relay.rewrite(s.bob.card.id, _without_events)
        await s.alice.engine.channels.remove(s.channel, [MALLORY])
        await s.relay.insert(s.channel, s.forgery("to bob alone"))
        event = await s.alice.told("quarantine")
        assert event["reason"] == "stale_roster"
        assert await s.alice.texts(s.channel) == []


async def test_the_next_event_brings_the_hidden_one_to_light(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        carol = await s.join(CAROL)
        s.relay.rewrite(s.bob.card.id, _without_events)
        await s.alice.engine.channels.remove(s.channel, [MALLORY])
        s.relay.say = honest
        await s.alice.engine.channels.add(s.channel, [carol.identity])
        await s.bob.told("quarantine", reason="bad_roster_event")
        assert set((await s.bob.follows(s.channel, 2)).members) == {ALICE, BOB, CAROL}
