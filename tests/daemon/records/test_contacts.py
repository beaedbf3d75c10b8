"""Contacts: the first card is pinned, a later one is offered until somebody accepts it."""

from peerpost_daemon.records import contacts
from peerpost_daemon.records.contacts import Standing
from peerpost_daemon.trust import ContactState, Trust
from peerpost_daemon.vault.database import Database
from tests.support.people import NOW_MS, person

ALICE, OTHER = person("alice"), person("alice", device="other")
WHO = ALICE.identity


async def test_the_first_card_is_pinned_and_the_next_is_offered(vault: Database) -> None:
    trust = [await vault.write(lambda db: contacts.meet(db, ALICE.card, NOW_MS)) for _ in "12"]
    trust.append(await vault.write(lambda db: contacts.meet(db, OTHER.card, NOW_MS)))
    assert trust == [Trust.PINNED, Trust.PINNED, Trust.OFFERED]
    contact = await vault.read(lambda db: contacts.find(db, WHO))
    assert contact is not None
    assert contact.state is ContactState.CHANGED
    assert await vault.read(lambda db: contacts.usable(db, WHO)) == (ALICE.card,)


async def test_an_acceptance_pins_the_offered_card(vault: Database) -> None:
    for who in (ALICE, OTHER):
        await vault.write(lambda db, card=who.card: contacts.meet(db, card, NOW_MS))  # type: ignore[misc]
    assert await vault.write(lambda db: contacts.accept(db, WHO, None, NOW_MS)) == [OTHER.card.id]
    assert await vault.write(lambda db: contacts.accept(db, WHO, None, NOW_MS)) == []
    standing = await vault.read(lambda db: contacts.standing(db, OTHER.card.id))
    assert standing == Standing(Trust.PINNED, ContactState.PINNED)


async def test_nothing_is_sealed_to_a_blocked_contact(vault: Database) -> None:
    await vault.write(lambda db: contacts.meet(db, ALICE.card, NOW_MS))
    await vault.write(lambda db: db.execute("UPDATE contact SET state = 'blocked'"))
    assert await vault.read(lambda db: contacts.usable(db, WHO)) == ()
