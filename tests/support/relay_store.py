"""A relay's store in memory, and its rules asked directly: no sockets, no clock of its own."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from peerpost_protocol.envelope import parse_envelope, verify_envelope
from peerpost_protocol.roster import RosterEvent
from peerpost_relay import directory, membership, publishing
from peerpost_relay.errors import RefusalError
from peerpost_relay.outcomes import Outcome
from peerpost_relay.sqlite_store.schema import migrate
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from tests.support.relay_client import Person

NOW = 1_000
MAX_CHANNELS = 10


class RelayStore:
    """Ask a relay's rules; a refusal is returned by its kind."""

    def __init__(self, db: sqlite3.Connection) -> None:
        migrate(db)
        self.transaction = SqliteTransaction(db)

    def knows(self, *people: Person) -> None:
        """Publish cards."""
        for person in people:
            directory.publish_card(self.transaction, person.card, None, NOW, without=None)

    def submit(self, event: RosterEvent) -> str:
        """Submit a roster event; return "accepted" or why not."""
        return _said(lambda: membership.submit(self.transaction, event, NOW, MAX_CHANNELS))

    def publish(self, envelope: bytes, sender: Person) -> str:
        """Publish an envelope; return "accepted" or why not."""
        verified = verify_envelope(parse_envelope(envelope), sender.card)
        return _said(lambda: publishing.publish(self.transaction, verified, envelope, NOW))

    def expiries(self) -> list[int | None]:
        """Return when each item expires, in the order of the stream."""
        rows = self.transaction._db.execute("SELECT expires_at_ms FROM items ORDER BY number")
        return [row[0] for row in rows]


@contextmanager
def relay_store() -> Iterator[RelayStore]:
    """Offer an empty store."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        yield RelayStore(db)


def _said(ask: Callable[[], Outcome]) -> str:
    try:
        ask()
    except RefusalError as refusal:
        return refusal.kind.value
    return "accepted"
