"""The relay inserts a device for alice: into her history before her card, beside it, or as its own beginning.

It cannot make a genuine card endorse. Bob, who knows alice's card, must not seal to the inserted one, and must be told.
"""

from pathlib import Path

from peerpost_protocol.history import Began, Stated
from peerpost_protocol.statement import Endorse
from tests.attacks.history_scene import ALICE, EVE, PHONE, history_scene
from tests.support.identities import after, begun, stated


async def test_a_device_that_alice_endorsed_is_believed(tmp_path: Path) -> None:
    async with history_scene(tmp_path) as s:
        s.keeper.state(ALICE, PHONE, Endorse())
        assert await s.histories.refresh([ALICE.identity])
        assert await s.usable() == [ALICE.card.id, PHONE.card.id]
        assert await s.told() == ["endorsed_card"]


async def test_a_device_in_another_history_is_not_even_read(tmp_path: Path) -> None:
    """The relay's history of alice begins with its own card, which endorses hers and its own second one."""
    async with history_scene(tmp_path) as s:
        false = begun(EVE)
        s.keeper.shows[ALICE.identity] = [
            Began(EVE.card.signed),
            stated(false, EVE, ALICE, Endorse()),
        ]
        await s.histories.refresh([ALICE.identity])
        assert await s.usable() == [ALICE.card.id]
        assert await s.alarms() == ["history_forged"]


async def test_an_endorsement_that_alice_did_not_sign_is_refused(tmp_path: Path) -> None:
    async with history_scene(tmp_path) as s:
        true = stated(s.keeper.histories[ALICE.identity], ALICE, EVE, Endorse())
        forged = Stated(type(true.statement)(true.statement.payload, bytes(64)), true.card)
        s.keeper.shows[ALICE.identity] = [*s.keeper.entries[ALICE.identity], forged]
        await s.histories.refresh([ALICE.identity])
        assert await s.usable() == [ALICE.card.id]
        assert await s.alarms() == ["history_forged"]


async def test_who_first_reads_a_false_history_pins_what_the_roster_lists(tmp_path: Path) -> None:
    async with history_scene(tmp_path) as s:
        await s.desk.write(
            lambda db: (
                db.execute(
                    "DELETE FROM card_history WHERE identity = ?", (ALICE.identity,)
                ).rowcount
            )
        )
        s.keeper.shows[ALICE.identity] = [
            Began(EVE.card.signed),
            stated(begun(EVE), EVE, ALICE, Endorse()),
        ]
        assert after(begun(EVE), s.keeper.shows[ALICE.identity][1]).length == 2
        await s.histories.refresh([ALICE.identity])
        assert await s.usable() == [ALICE.card.id]
        assert (await s.state(), await s.told()) == ("changed", ["another_card"])
