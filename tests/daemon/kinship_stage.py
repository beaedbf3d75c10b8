"""A vault that has met somebody, and histories to judge their cards by."""

from collections.abc import Iterable

from peerpost_daemon import kinship
from peerpost_daemon.records import contacts, lineage
from peerpost_daemon.trust import Trust
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.history import History
from tests.support.people import NOW_MS, Person, person

ME = person("me")
ALICE = person("alice")


class Judge:
    """Take histories into a vault, and say how cards are taken then."""

    def __init__(self, vault: Database, me: Person = ME) -> None:
        self.vault = vault
        self.me = me

    async def meets(self, *people: Person) -> None:
        for who in people:
            await self.vault.write(lambda db, card=who.card: self._meet(db, card))  # type: ignore[misc]

    def _meet(self, db: SqlConnection, card: Card) -> None:
        if contacts.standing(db, card.id) is None:
            kinship.meet(db, card, self.me.card, NOW_MS)

    async def keeps(self, history: History) -> None:
        """Have read a history of somebody who was not met yet."""
        await self.vault.write(lambda db: lineage.keep(db, history))

    async def lists(self, who: Person) -> None:
        """Have the fingerprint of a card listed."""
        row = (who.identity, who.card.id)
        await self.vault.write(
            lambda db: db.execute("INSERT INTO listed_fingerprint VALUES (?, ?)", row).rowcount
        )

    async def takes(self, history: History) -> bool:
        def store(db: SqlConnection) -> bool:
            lineage.keep(db, history)
            return kinship.settle(db, history.identity, self.me.card, NOW_MS)

        return await self.vault.write(store)

    async def trust(self, *people: Person) -> list[Trust | None]:
        return await self.vault.read(lambda db: [_trust(db, who) for who in people])

    async def state(self, identity: str = ALICE.identity) -> str:
        return await self.vault.read(lambda db: contacts.state(db, identity).value)

    async def reasons(self) -> list[str]:
        return await self.vault.read(_reasons)


def _trust(db: SqlConnection, who: Person) -> Trust | None:
    standing = contacts.standing(db, who.card.id)
    return standing.trust if standing else None


def _reasons(db: SqlConnection) -> list[str]:
    rows: Iterable[tuple[str]] = db.execute(
        "SELECT json_extract(data, '$.reason') FROM event WHERE kind = 'contact.changed' ORDER BY 1"
    )
    return sorted(row[0] for row in rows)
