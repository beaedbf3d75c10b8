"""The directory, seen from here: ask the relay for cards, believe only what verifies.

Attacker: the relay. It may hide cards, and it may show another card for an identity; it cannot change one, because a
card is fetched by its id. What a card that verifies is worth is for the contacts to say (records/contacts.py).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from peerpost_daemon.asking import Relay, ask
from peerpost_daemon.histories import Histories
from peerpost_daemon.records import contacts
from peerpost_daemon.trust import Trust
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card, verify_card
from peerpost_protocol.errors import ProtocolError
from peerpost_protocol.frames import CardRecord, Cards, FetchCards, SearchCards
from peerpost_protocol.limits import MAX_FETCH_CARDS, MAX_SEARCH_IDENTITIES

MAX_REMEMBERED = 4096
"""Cards kept in memory; they are immutable, and the vault has them all."""

T = TypeVar("T")


class FoundCard(Struct, frozen=True):
    """Be a verified live card with the relay's attestation and the trust it has here, if any."""

    card: Card
    attestation: str
    trust: Trust | None


class Directory:
    """Ask one relay for cards."""

    def __init__(
        self, relay: Relay, database: Database, histories: Histories | None = None
    ) -> None:
        self.histories = histories
        self._relay = relay
        self._database = database
        self._stored: dict[bytes, Card] = {}
        self._said: dict[bytes, str] = {}  # attestations that were not noted yet

    async def search(self, identities: Sequence[str]) -> list[FoundCard]:
        """Return the live cards of identities, oldest first; store nothing. Raises LinkError."""
        found: list[CardRecord] = []
        for batch in _batches(identities, MAX_SEARCH_IDENTITIES):
            answer = await ask(self._relay, SearchCards(0, batch), Cards)
            found += answer.records
        asked = frozenset(identities)
        opened = await asyncio.to_thread(_all_verified, found)
        pairs = zip(opened, found, strict=True)
        verified = [(card, r) for card, r in pairs if card and card.identity in asked]
        self._hear({card.id: record.attestation.value for card, record in verified})
        trust = await self._database.read(
            lambda db: [contacts.card(db, card.id) for card, _ in verified]
        )
        return [
            FoundCard(card, record.attestation.value, known.trust if known else None)
            for (card, record), known in zip(verified, trust, strict=True)
        ]

    async def fetch(self, ids: Iterable[bytes]) -> dict[bytes, Card]:
        """Return the cards with these ids as far as the relay has them. Raises LinkError."""
        cards: dict[bytes, Card] = {}
        wanted = sorted(ids)
        for batch in _batches(wanted, MAX_FETCH_CARDS):
            answer = await ask(self._relay, FetchCards(0, batch), Cards)
            opened = await asyncio.to_thread(_all_verified, answer.records)
            cards |= {card.id: card for card in opened if card is not None}
            pairs = zip(opened, answer.records, strict=True)
            self._hear({card.id: r.attestation.value for card, r in pairs if card is not None})
        return {id_: cards[id_] for id_ in wanted if id_ in cards}

    async def known_or_fetched(self, ids: set[bytes], own: Card) -> dict[bytes, Card]:
        """Return cards by id, from memory or the vault where they are there. Raises LinkError."""
        cards = {id_: self._stored[id_] for id_ in ids if id_ in self._stored}
        cards[own.id] = own
        lacking = ids - cards.keys()
        if not lacking:
            return cards
        stored = await self._database.read(
            lambda db: [known.card for id_ in lacking if (known := contacts.card(db, id_))]
        )
        self.stored({card.id: card for card in stored})
        cards |= {card.id: card for card in stored}
        return cards | await self.fetch(ids - cards.keys())

    async def note_attestations(self) -> None:
        """Store what the relay has said of the cards that are in the vault by now."""
        if self._said:
            said, self._said = self._said, {}
            await self._database.write(lambda db: contacts.attest(db, said))

    def _hear(self, said: Mapping[bytes, str]) -> None:
        if len(self._said) + len(said) > MAX_REMEMBERED:
            self._said.clear()
        self._said.update(said)

    async def learn(self, identities: Iterable[str]) -> bool:
        """Read what is new of histories; return whether the standing of any card changed. Raises LinkError."""
        return await self.histories.refresh(identities) if self.histories else False

    async def learn_of_strangers(self, cards: Mapping[bytes, Card], own: Card) -> bool:
        """Read the histories of the identities of cards that are not in the vault. Raises LinkError."""
        strange = [card for id_, card in cards.items() if id_ not in self._stored]
        return await self.learn({card.identity for card in strange if card.id != own.id})

    def stored(self, cards: Mapping[bytes, Card]) -> None:
        """Remember cards that are in the vault by now."""
        if len(self._stored) + len(cards) > MAX_REMEMBERED:
            self._stored.clear()
        self._stored.update(cards)


def _all_verified(records: Sequence[CardRecord]) -> list[Card | None]:
    return [verified(record) for record in records]


def verified(record: CardRecord) -> Card | None:
    """Return the card of a record, None when it does not verify."""
    try:
        return verify_card(record.card)
    except ProtocolError:
        return None


def _batches(items: Sequence[T], size: int) -> list[tuple[T, ...]]:
    return [tuple(items[at : at + size]) for at in range(0, len(items), size)]
