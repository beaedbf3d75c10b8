"""A thief endorses a device of his own with a stolen, revoked card, and the relay shows it.

A revoked card's statement continues no history: what shows one is refused whole, and an alarm says so.
"""

from pathlib import Path

import pytest

from peerpost_protocol.errors import HistoryError
from peerpost_protocol.history import Stated
from peerpost_protocol.statement import Endorse, Reason, Revoke, sign_statement
from tests.attacks.history_scene import ALICE, PHONE, history_scene
from tests.support.identities import body, device

THIEF = device("alice", "thief", PHONE)


async def test_an_endorsement_by_a_revoked_card_is_refused(tmp_path: Path) -> None:
    async with history_scene(tmp_path) as s:
        s.keeper.state(ALICE, PHONE, Endorse())
        s.keeper.state(ALICE, PHONE, Revoke(Reason.LOST))
        says = body(s.keeper.histories[ALICE.identity], PHONE.card.id, THIEF.card.id, Endorse())
        late = Stated(sign_statement(PHONE.keys.signing, says), THIEF.card.signed)
        with pytest.raises(HistoryError):
            s.keeper._add(ALICE.identity, late)
        s.keeper.shows[ALICE.identity] = [*s.keeper.entries[ALICE.identity], late]
        await s.histories.refresh([ALICE.identity])
        await s.histories.refresh([ALICE.identity])
        assert await s.usable() == [ALICE.card.id]
        assert await s.alarms() == ["history_forged"]


async def test_a_replayed_endorsement_does_not_bring_a_revoked_card_back(tmp_path: Path) -> None:
    async with history_scene(tmp_path) as s:
        s.keeper.state(ALICE, PHONE, Endorse())
        s.keeper.state(ALICE, PHONE, Revoke(Reason.LOST))
        entries = s.keeper.entries[ALICE.identity]
        s.keeper.shows[ALICE.identity] = [*entries, entries[1]]
        await s.histories.refresh([ALICE.identity])
        await s.histories.refresh([ALICE.identity])
        assert await s.usable() == [ALICE.card.id]
        assert await s.alarms() == ["history_forged"]
