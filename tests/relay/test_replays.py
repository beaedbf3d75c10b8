"""What the writer remembers of histories: never more than its bound, and never anything that is not stored."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from peerpost_protocol.history import Entry, History
from peerpost_protocol.statement import Reason, Revoke, parse_statement, verify_statement
from peerpost_relay import directory, histories, replays
from peerpost_relay.replays import Replays
from peerpost_relay.sqlite_store.schema import migrate
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from tests.support.identities import device, stated
from tests.support.people import Person, person

ALICE, BOB = person("alice"), person("bob")
NOW_MS = 1_000


@pytest.fixture
def store() -> Iterator[SqliteTransaction]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db)
        yield SqliteTransaction(db)


def begin(store: SqliteTransaction, *people: Person) -> None:
    for who in people:
        directory.publish_card(store, who.card, None, NOW_MS, without=None)


def bar(store: SqliteTransaction, name: str) -> None:
    """Revoke a card of alice's that never came: an entry like any other."""
    history = loaded(store)
    wire = stated(history, ALICE, device("alice", name, ALICE), Revoke(Reason.LOST))
    statement = verify_statement(parse_statement(wire.statement), ALICE.card)
    histories.enter(store, history, Entry(wire, None, statement), NOW_MS)


def loaded(store: SqliteTransaction) -> History:
    history = histories.load(store, ALICE.identity)
    assert history is not None
    return history


def test_what_is_remembered_is_not_replayed_again(
    store: SqliteTransaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(store, ALICE)
    for name in ("one", "two", "three"):
        bar(store, name)
    monkeypatch.setattr(replays, "apply_entry", None)
    assert loaded(store).length == 4


def test_what_another_process_wrote_is_added(store: SqliteTransaction) -> None:
    begin(store, ALICE)
    before = loaded(store)
    bar(store, "phone")
    store.replays.keep(before)
    assert loaded(store) == Replays().load(store, ALICE.identity)


def test_what_was_undone_is_not_believed(store: SqliteTransaction) -> None:
    begin(store, ALICE)
    before = loaded(store)
    store._db.execute("BEGIN")
    bar(store, "phone")
    store._db.execute("ROLLBACK")
    assert loaded(store) == before


def test_another_entry_in_the_place_of_an_undone_one_counts(store: SqliteTransaction) -> None:
    begin(store, ALICE)
    store._db.execute("BEGIN")
    bar(store, "phone")
    store._db.execute("ROLLBACK")
    undone = store.replays
    store.replays = Replays()
    bar(store, "tablet")
    store.replays = undone
    assert loaded(store) == Replays().load(store, ALICE.identity)


def test_those_that_were_asked_for_longest_ago_are_forgotten(store: SqliteTransaction) -> None:
    store.replays = Replays(entries_max=2)
    begin(store, ALICE, BOB)
    bar(store, "phone")
    assert store.replays.entries == 2
    assert histories.load(store, BOB.identity) is not None
    assert store.replays.entries == 1
