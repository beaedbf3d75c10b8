from collections.abc import Iterator

import pytest
from sqlcipher3 import dbapi2

from peerpost_daemon.records import channels, references, schema
from peerpost_daemon.records.within import EVERYWHERE, MalformedReferenceError, Within, checked
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.migrations import migrate
from tests.daemon.methods.house import stored
from tests.support.people import channel_of, person

ALICE, BOB, CAROL = person("alice"), person("bob"), person("carol")


def made(db: SqlConnection, *others: object, name: str = "ops", direct: bool = False) -> bytes:
    channel = channel_of(ALICE, *others, name=name, direct=direct)  # type: ignore[arg-type]
    channels.create(db, stored(channel.roster))
    return channel.id


def within(*named: str) -> Within:
    return Within(frozenset(named))


def test_an_alias_an_id_and_an_identity_name_channels(db: SqlConnection) -> None:
    ops, dev = made(db, BOB), made(db, BOB, CAROL, name="dev")
    direct = made(db, BOB, name="", direct=True)
    references.set_alias(db, ops, "machines")
    assert within("machines").ids(db) == frozenset({ops})
    assert within(dev.hex(), BOB.identity).ids(db) == frozenset({dev, direct})
    assert EVERYWHERE.ids(db) is None


def test_a_name_of_a_channel_names_nothing(db: SqlConnection) -> None:
    made(db, BOB, name="ops")
    assert within("ops").ids(db) == frozenset()


def test_no_channel_at_all_is_within_nothing(db: SqlConnection) -> None:
    ops = made(db, BOB)
    assert not within().has(db, ops)
    assert not within().has(db, None, BOB.identity)


def test_first_words_to_an_identity_are_within(db: SqlConnection) -> None:
    assert within(BOB.identity).has(db, None, BOB.identity)
    assert not within(BOB.identity).has(db, None, CAROL.identity)


def test_what_becomes_an_alias_later_is_found_then(db: SqlConnection) -> None:
    ops, narrow = made(db, BOB), within("machines")
    assert not narrow.has(db, ops)
    references.set_alias(db, ops, "machines")
    assert narrow.has(db, ops)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("ops", "ops"), ("Bob@Example.org", "bob@example.org"), ("AB" * 32, "ab" * 32)],
)
def test_a_reference_has_one_form(given: str, kept: str) -> None:
    assert checked(given) == kept


@pytest.mark.parametrize("given", ["@", "deadbeef", "ab" * 31, "ab" * 33])
def test_what_can_name_no_channel_is_refused(given: str) -> None:
    with pytest.raises(MalformedReferenceError):
        checked(given)


@pytest.fixture
def db() -> Iterator[SqlConnection]:
    opened: SqlConnection = dbapi2.connect(":memory:", isolation_level=None)
    migrate(opened, schema.MIGRATIONS)
    yield opened
    opened.close()
