"""The relay adds a ghost to the channel: a card of its own, so that everybody seals for it from now on.

The relay orders the roster and cannot write it. Whoever signs the event (the ghost, a member without the role, the
relay in the owner's name), the event is refused with an event of ours, and nothing is wrapped for the ghost.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.frames import SubmitRosterEvent, decode_signed
from peerpost_protocol.roster import Add, Remove, Role
from peerpost_protocol.signing import Signed
from tests.attacks.roster_forgery import forged_event
from tests.attacks.scene import BOB, Scene, scene
from tests.support.relay_client import Person, RelayClient, refusal

GHOST = "ghost@example.org"


def _by_the_ghost(s: Scene, ghost: Person) -> Signed:
    return forged_event(ghost.keys.signing, ghost.card.id, s.roster, Add((ghost.member(),)))


def _by_a_plain_member(s: Scene, ghost: Person) -> Signed:
    who = s.mallory
    return forged_event(who.keys.signing, who.card.id, s.roster, Add((ghost.member(),)))


def _in_the_owners_name(s: Scene, ghost: Person) -> Signed:
    return forged_event(ghost.keys.signing, s.alice.card.id, s.roster, Add((ghost.member(),)))


def _as_an_owner(s: Scene, ghost: Person) -> Signed:
    member = ghost.member(Role.OWNER)
    return forged_event(ghost.keys.signing, ghost.card.id, s.roster, Add((member,)))


Forge = Callable[[Scene, Person], Signed]
FORGERIES: dict[Forge, str] = {
    _by_the_ghost: "bad_roster_event",
    _by_a_plain_member: "bad_roster_event",
    _in_the_owners_name: "bad_signature",
    _as_an_owner: "bad_roster_event",
}


@pytest.mark.parametrize(("forge", "reason"), FORGERIES.items())
async def test_a_ghost_is_not_added(tmp_path: Path, forge: Forge, reason: str) -> None:
    async with scene(tmp_path) as s:
        ghost = Person(GHOST)
        async with await RelayClient.register(s.relay.url, ghost):
            await s.relay.insert(s.channel, forge(s, ghost))
            for reader in (s.alice, s.bob):
                assert (await reader.told("quarantine"))["reason"] == reason
                assert GHOST not in (await reader.follows(s.channel)).members
            message = await s.alice.send(s.channel, "among us")
            assert ghost.card.id not in (await s.alice.outgoing(message, "sent")).recipients
            await s.bob.shows(s.channel, "among us")
            assert await s.bob.pinned(GHOST) == []


async def test_a_member_does_not_remove_another(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        key, card = s.mallory.keys.signing, s.mallory.card.id
        signed = forged_event(key, card, s.roster, Remove((BOB,)))
        await s.relay.insert(s.channel, signed)
        assert (await s.alice.told("quarantine"))["reason"] == "bad_roster_event"
        assert BOB in (await s.alice.follows(s.channel)).members
        await s.bob_survives()


async def test_another_channels_event_is_not_taken(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        other = await s.alice.channel("other", BOB)
        await s.alice.engine.channels.remove(other, [BOB])
        removal = (await s.alice.told("channel", change="removed"))["channel"]
        assert removal == other.hex()
        signed = await s.alice.read(lambda db: _event(db, other))
        await s.relay.insert(s.channel, signed)
        assert (await s.bob.told("quarantine"))["reason"] == "bad_roster_event"
        assert BOB in (await s.bob.follows(s.channel)).members
        await s.bob_survives()


async def test_an_honest_relay_refuses_it_too(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        signed = _by_a_plain_member(s, Person(GHOST))
        answer = await s.client.ask(SubmitRosterEvent(s.client.request(), signed))
        assert refusal(answer) == "not_an_admin"


def _event(db: SqlConnection, channel: bytes) -> Signed:
    row = db.execute(
        "SELECT signed FROM roster_event WHERE channel = ? AND position = 1", (channel,)
    ).fetchone()
    return decode_signed(row[0])
