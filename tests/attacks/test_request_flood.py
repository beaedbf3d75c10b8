"""A stranger adds us to channel after channel, and fills them.

What waits is bounded in requests, items and bytes; the rest is declined and its channel left, so that the relay's bound
of channels is not used up. Nothing is shown, nobody becomes a contact, and a friend still comes through.
"""

from pathlib import Path

import pytest

from peerpost_daemon import consent
from peerpost_daemon.consent import Consent
from peerpost_daemon.inbound import invitations
from peerpost_daemon.records import channels, consents, contacts, requests
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.frames import Accepted
from peerpost_protocol.roster import Member
from tests.attacks.scene import MALLORY, Scene, scene

FEW = 3


def _waiting(db: SqlConnection) -> list[requests.Waiting]:
    return requests.everything(db)


async def _floods(s: Scene, count: int) -> list[bytes]:
    """Let mallory found channels with bob in them."""
    made = []
    bob = Member(s.bob.identity, s.bob.member().role, (s.bob.card.id,))
    for number in range(count):
        roster, event = s.mallory.create([_Listed(bob)], name=f"flood {number}")  # type: ignore[list-item]
        assert isinstance(await s.client.submit(event), Accepted)
        made.append(roster.channel)
    return made


class _Listed:
    """Be somebody who is only listed."""

    def __init__(self, member: Member) -> None:
        self._member = member

    def member(self) -> Member:
        return self._member


async def _in_use(s: Scene) -> int:
    found = await s.bob.read(channels.everything)
    return sum(one.state is channels.ChannelState.ACTIVE for one in found)


async def test_requests_of_one_inviter_are_bounded_and_the_rest_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MAX_REQUESTS_OF_ONE", FEW)
    async with scene(tmp_path) as s:
        await s.bob.database.write(lambda db: consents.choose(db, None, Consent.NOBODY))
        made = await _floods(s, 2 * FEW)
        await s.bob.until(lambda db: len(_waiting(db)) == FEW)
        await s.bob.until(lambda db: len(channels.everything(db)) == FEW + 1)
        assert {one.channel for one in await s.bob.read(_waiting)} == set(made[:FEW])
        assert len(await s.bob.events("channel", change="requested")) == FEW
        await s.bob_survives()


async def test_who_is_taken_unasked_is_asked_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "MAX_UNASKED_OF_ONE", FEW)
    async with scene(tmp_path) as s:
        await _floods(s, FEW + 1)
        await s.bob.until(lambda db: len(_waiting(db)) == 1)
        assert await _in_use(s) == FEW + 1  # with that of alice
        assert consent.MAX_UNASKED > consent.MAX_UNASKED_OF_ONE > FEW
        await s.bob_survives()


async def test_the_bytes_of_a_request_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MAX_BYTES", 4_000)
    async with scene(tmp_path) as s:
        await s.bob.database.write(lambda db: consents.choose(db, None, Consent.NOBODY))
        bob = _Listed(s.bob.member())
        roster, event = s.mallory.create([bob], name="full")  # type: ignore[list-item]
        assert isinstance(await s.client.submit(event), Accepted)
        for _ in range(8):
            said = s.mallory.envelope(roster, "x" * 700, to=[s.bob])  # type: ignore[list-item]
            assert isinstance(await s.client.publish(said), Accepted)
        (one,) = await s.bob.until(lambda db: [w for w in _waiting(db) if w.full])
        assert 0 < one.bytes <= 4_000
        assert await s.bob.texts(roster.channel) == []
        await s.bob_survives()


async def test_a_stranger_becomes_no_contact_by_asking(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        dave = await s.join("dave@example.org")
        await dave.database.write(lambda db: consents.choose(db, None, Consent.CONTACTS))
        roster, event = s.mallory.create([_Listed(dave.member())])  # type: ignore[list-item]
        assert isinstance(await s.client.submit(event), Accepted)
        await dave.until(lambda db: len(_waiting(db)) == 1)
        assert await dave.read(lambda db: contacts.find(db, MALLORY)) is None
        assert await dave.read(lambda db: channels.find(db, roster.channel)) is not None
