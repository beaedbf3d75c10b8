"""card.* and contact.*."""

from peerpost_daemon.directory import FoundCard
from peerpost_daemon.trust import Trust
from tests.daemon.methods.house import ALICE, BOB, House
from tests.support.people import person

NEW_BOB = person("bob", device="phone")


async def test_found_cards_say_whether_they_are_trusted(alice: House) -> None:
    alice.plan.found = [
        FoundCard(BOB.card, "authorized", Trust.PINNED),
        FoundCard(NEW_BOB.card, "unverified", None),
        FoundCard(ALICE.card, "authorized", None),
    ]
    cards = (await alice.result("card.search", identity="BOB@example.org"))["cards"]
    assert [card["trusted"] for card in cards] == [True, False, True]
    assert (cards[0]["card"], cards[1]["device"]) == (BOB.card.id.hex(), "phone")
    assert alice.plan.said == [("search", BOB.identity)]


async def test_contacts_are_listed_with_their_cards(alice: House) -> None:
    await alice.met(BOB)
    await alice.met(NEW_BOB)
    (contact,) = (await alice.result("contact.list"))["contacts"]
    assert (contact["identity"], contact["state"]) == (BOB.identity, "changed")
    assert {card["device"]: card["state"] for card in contact["cards"]} == {
        "laptop": "pinned",
        "phone": "offered",
    }


async def test_accepting_goes_through_the_engine(alice: House) -> None:
    await alice.met(BOB)
    await alice.met(NEW_BOB)
    card = NEW_BOB.card.id.hex()
    contact = await alice.result("contact.accept", identity=BOB.identity, card=card)
    assert contact["state"] == "pinned"
    assert alice.plan.said == [("judge",)]


async def test_an_identity_never_met_is_unknown(alice: House) -> None:
    error = await alice.error("contact.show", identity="nobody@example.org")
    assert (error["kind"], error["field"]) == ("unknown_identity", "identity")
    assert (await alice.error("contact.accept", identity="n@x.org"))["kind"] == "unknown_identity"
