"""The relay shows bob a successor of alice's card that one key only has signed: the new one, or the old one.

A succession is signed by both: the old card its statement, the new one its card, which names the old. Bob's daemon
takes neither half for the whole: it seals to the card that it knows, and raises an alarm.
"""

from pathlib import Path

import pytest

from peerpost_protocol.history import Stated
from peerpost_protocol.statement import Endorse, Succeed, sign_statement
from tests.attacks.history_scene import ALICE, EVE, PHONE, Scene, history_scene
from tests.support.identities import body, successor
from tests.support.people import Person

NEW = successor(ALICE)
PLAIN = successor(ALICE, "plain", predecessor=PHONE)


async def shown(s: Scene, statement_by: Person, subject: Person, claim: Succeed | Endorse) -> None:
    """Let the relay show that alice's card says this of `subject`; `statement_by` has signed it."""
    says = body(s.keeper.histories[ALICE.identity], ALICE.card.id, subject.card.id, claim)
    entry = Stated(sign_statement(statement_by.keys.signing, says), subject.card.signed)
    s.keeper.shows[ALICE.identity] = [*s.keeper.entries[ALICE.identity], entry]
    await s.histories.refresh([ALICE.identity])


async def test_a_successor_that_both_have_signed_takes_alices_place(tmp_path: Path) -> None:
    async with history_scene(tmp_path) as s:
        await shown(s, ALICE, NEW, Succeed())
        assert await s.usable() == [NEW.card.id]
        assert await s.alarms() == []


@pytest.mark.parametrize(
    ("signer", "subject", "claim"),
    [
        (NEW, NEW, Succeed()),  # the new key alone
        (EVE, NEW, Succeed()),  # another device of alice's identity that nobody knows
        (ALICE, EVE, Succeed()),  # the old key alone: eve's card names no predecessor
        (ALICE, PLAIN, Succeed()),  # names another
        (ALICE, NEW, Endorse()),  # an endorsement that is passed off as a succession
    ],
)
async def test_one_signature_of_two_changes_nothing(
    tmp_path: Path, signer: Person, subject: Person, claim: Succeed | Endorse
) -> None:
    async with history_scene(tmp_path) as s:
        await shown(s, signer, subject, claim)
        assert await s.usable() == [ALICE.card.id]
        assert await s.alarms() == ["history_forged"]
        assert await s.told() == []
