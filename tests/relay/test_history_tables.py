"""The step that gives the cards of before their histories."""

import sqlite3

from peerpost_protocol.frames import CardState
from peerpost_relay import histories
from peerpost_relay.sqlite_store.history_tables import HISTORIES
from peerpost_relay.sqlite_store.schema import MIGRATIONS, migrate
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from tests.support.people import Person, person

BEFORE = MIGRATIONS.index(HISTORIES)
ALICE, OLD = person("alice"), person("alice", device="old")


def of_before(*cards: tuple[Person, int | None]) -> SqliteTransaction:
    """Return a store of before with cards and the times of their ends, brought up to date."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    for script in MIGRATIONS[:BEFORE]:
        assert isinstance(script, str)
        db.executescript(script)
    db.execute(f"PRAGMA user_version={BEFORE}")
    for number, (who, ended) in enumerate(cards, 1):
        signed = who.card.signed
        db.execute(
            "INSERT INTO cards VALUES (?, ?, ?, ?, ?, 'unverified', 1, ?)",
            (number, who.card.id, who.identity, signed.payload, signed.signature, ended),
        )
    migrate(db)
    return SqliteTransaction(db)


def test_a_live_card_begins_its_identitys_history() -> None:
    store = of_before((OLD, 5), (ALICE, None))
    history = histories.load(store, ALICE.identity)
    assert history is not None
    assert history.live == (ALICE.card,)
    (stored,) = store.history(ALICE.identity, 0, 10)
    assert stored.id == history.head


def test_a_card_that_was_revoked_before_stays_so() -> None:
    store = of_before((OLD, 5))
    assert histories.load(store, ALICE.identity) is None
    assert [r.state for r in store.records([OLD.card.id])] == [CardState.REVOKED]
