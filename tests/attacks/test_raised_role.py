"""A member raises her own role, an admin turns on the owner; the relay lets them, and stores what it must not.

Every member judges the event by the roster it stands on. It is refused with an event of ours, the roster stays, and
so do the rights: what the raised member then does as an admin continues nothing.
"""

from pathlib import Path

import pytest

from peerpost_protocol.frames import SubmitRosterEvent
from peerpost_protocol.roster import (
    Add,
    Ban,
    Change,
    Least,
    Policies,
    Remove,
    Rename,
    Role,
    SetPolicies,
    SetRole,
)
from tests.attacks.roster_forgery import forged_event
from tests.attacks.scene import ALICE, BOB, CAROL, MALLORY, Scene, scene
from tests.support.relay_client import refusal

AS_A_MEMBER: list[Change] = [
    SetRole(MALLORY, Role.ADMIN),
    SetRole(MALLORY, Role.OWNER),
    SetRole(ALICE, Role.READER),
    Rename("mallory's"),
    SetPolicies(Policies(add=Least.MEMBER)),
    Ban((BOB,)),
]
AS_AN_ADMIN: list[Change] = [
    SetRole(MALLORY, Role.OWNER),
    SetRole(ALICE, Role.MEMBER),
    Remove((ALICE,)),
    Ban((ALICE,)),
]


async def _tries(s: Scene, change: Change) -> None:
    """See that an honest relay refuses it, and that a dishonest one convinces nobody."""
    event = forged_event(s.mallory.keys.signing, s.mallory.card.id, s.roster, change)
    asked = await s.client.ask(SubmitRosterEvent(s.client.request(), event))
    assert refusal(asked) == "not_an_admin"
    await s.relay.insert(s.channel, event)
    for reader in (s.alice, s.bob):
        assert (await reader.told("quarantine"))["reason"] == "bad_roster_event"
        assert await reader.follows(s.channel) == s.roster


@pytest.mark.parametrize("change", AS_A_MEMBER, ids=str)
async def test_a_member_raises_nobody_and_lowers_nobody(tmp_path: Path, change: Change) -> None:
    async with scene(tmp_path) as s:
        await _tries(s, change)
        await s.bob_survives()


@pytest.mark.parametrize("change", AS_AN_ADMIN, ids=str)
async def test_an_admin_does_not_touch_the_owner(tmp_path: Path, change: Change) -> None:
    async with scene(tmp_path) as s:
        await s.alice.engine.channels.change(s.channel, SetRole(MALLORY, Role.ADMIN))
        s.roster = await s.bob.follows(s.channel, 1)
        await _tries(s, change)
        await s.bob_survives()


async def test_what_stands_on_a_raised_role_continues_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        raise_ = forged_event(
            s.mallory.keys.signing, s.mallory.card.id, s.roster, SetRole(MALLORY, Role.ADMIN)
        )
        await s.relay.insert(s.channel, raise_)
        carol = await s.join(CAROL)
        await s.bob.told("quarantine")
        ghost = forged_event(
            s.mallory.keys.signing, s.mallory.card.id, s.roster, Add((carol.member(),))
        )
        await s.relay.insert(s.channel, ghost)
        await s.bob.until(
            lambda db: db.execute(
                "SELECT count(*) > 1 FROM event WHERE kind = 'quarantine'"
            ).fetchone()[0]
        )
        assert await s.bob.follows(s.channel) == s.roster
