"""account.devices, account.approve and card.*: what callers say reaches the engine, and what they see."""

from peerpost_daemon.errors import DaemonError
from tests.daemon.methods.house import ALICE, BOB, House


async def test_a_code_is_handed_on_as_it_was_typed(alice: House) -> None:
    assert await alice.result("account.approve", code="11111 22222") == {"devices": []}
    assert alice.plan.said == [("approve", "11111 22222")]


async def test_a_code_that_nobody_shows_is_an_error(alice: House) -> None:
    alice.plan.error = DaemonError("unknown_card", "No.", field="code")
    error = await alice.error("account.approve", code="1")
    assert (error["kind"], error["field"]) == ("unknown_card", "code")


async def test_without_an_id_the_own_card_is_shown(alice: House) -> None:
    shown = await alice.result("card.show")
    assert (shown["card"], shown["trusted"]) == (ALICE.card.id.hex(), True)
    error = await alice.error("card.show", card=BOB.card.id.hex())
    assert error["kind"] == "unknown_card"


async def test_a_card_ends_with_a_reason(alice: House) -> None:
    card = ALICE.card.id.hex()
    await alice.result("card.revoke", card=card, reason="lost")
    await alice.result("card.revoke", card=card)
    assert alice.plan.said == [("revoke", card, "lost"), ("revoke", card, "retired")]
    assert (await alice.error("card.revoke", card=card, reason="bored"))["kind"] == "invalid_params"
