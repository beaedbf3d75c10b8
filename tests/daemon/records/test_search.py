"""Search: what is found, what is not, and what no query can do."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import changes, indexing, messages, schema
from peerpost_daemon.records.search import Wanted, search
from peerpost_daemon.records.search_query import QueryError, terms
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.migrations import migrate
from tests.daemon.methods.house import BOB, CAROL, message_by
from tests.support.people import NOW_MS, digest

OPS, DEV = digest("ops"), digest("dev")


@pytest.fixture
def db() -> Iterator[SqlConnection]:
    opened = _open()
    _say(opened, "the disk of db1 is full")
    _say(opened, "full backup of the disk done", channel=DEV)
    _say(opened, "Grüße from the kitchen", who=CAROL, sent_at_ms=NOW_MS - 1000)
    while indexing.batch(opened, 2):
        pass
    yield opened
    opened.close()


def _open() -> SqlConnection:
    from sqlcipher3 import dbapi2  # noqa: PLC0415

    opened: SqlConnection = dbapi2.connect(":memory:", isolation_level=None)
    migrate(opened, schema.MIGRATIONS)
    return opened


def _say(db: SqlConnection, text: str, who: object = BOB, **changed: object) -> int:
    fields = {"id": digest(text)[:16], "channel": OPS, **changed}
    channel = fields.pop("channel")
    cursor = messages.add(db, message_by(who, channel, text, **fields))  # type: ignore[arg-type]
    assert cursor is not None
    return cursor


def found(db: SqlConnection, query: str, **where: object) -> list[str]:
    hits, _ = search(db, Wanted(terms(query), **where), 10, NOW_MS)  # type: ignore[arg-type]
    return [hit.message.message.body.decode() for hit in hits]


@pytest.mark.parametrize(
    ("query", "cursors"),
    [
        ("disk full", [2, 1]),
        ('"disk full"', []),
        ('"is full"', [1]),
        ("back*", [2]),
        ("disk -backup", [1]),
        ("DISK", [2, 1]),
        ("grusse", []),
        ("gruße", [3]),
        ("db1", [1]),
        ("nothing", []),
    ],
)
def test_words_phrases_and_beginnings_are_found(
    db: SqlConnection, query: str, cursors: list[int]
) -> None:
    hits, _ = search(db, Wanted(terms(query)), 10, NOW_MS)
    assert [hit.message.cursor for hit in hits] == cursors


def test_it_is_narrowed_by_channel_sender_and_time(db: SqlConnection) -> None:
    assert found(db, "disk", channels=frozenset({DEV})) == ["full backup of the disk done"]
    assert found(db, "the", sender=CAROL.identity) == ["Grüße from the kitchen"]
    assert found(db, "the", until_ms=NOW_MS - 500) == ["Grüße from the kitchen"]
    assert found(db, "kitchen", since_ms=NOW_MS) == []


def test_a_snippet_marks_what_matched(db: SqlConnection) -> None:
    (hit,), _ = search(db, Wanted(terms("full"), channels=frozenset({OPS})), 10, NOW_MS)
    assert [(piece.text, piece.match) for piece in hit.snippet] == [
        ("the disk of db1 is ", False),
        ("full", True),
    ]


def test_pages_go_on_before_a_cursor(db: SqlConnection) -> None:
    hits, more = search(db, Wanted(terms("disk")), 1, NOW_MS)
    assert (hits[0].message.cursor, more) == (2, True)
    hits, more = search(db, Wanted(terms("disk"), before=2), 1, NOW_MS)
    assert (hits[0].message.cursor, more) == (1, False)


def test_what_an_edit_replaced_and_a_deletion_removed_is_found_no_more(db: SqlConnection) -> None:
    changes.edit(db, 1, "all is well", 0, NOW_MS)
    changes.erase(db, 2, BOB.identity, NOW_MS)
    assert found(db, "disk") == []
    assert found(db, "well") == ["all is well"]


def test_what_has_expired_is_not_found(db: SqlConnection) -> None:
    _say(db, "a short life", expires_at_ms=NOW_MS)
    indexing.batch(db)
    assert found(db, "short") == []


def test_words_leave_the_index_with_their_message(db: SqlConnection) -> None:
    _say(db, "xyzzysentinel appears once")
    indexing.batch(db)
    assert _words_hold(db, b"sentinel")
    db.execute("DELETE FROM message WHERE cursor = 4")
    assert not _words_hold(db, b"sentinel")


def _words_hold(db: SqlConnection, part: bytes) -> bool:
    return any(part in bytes(row[0]) for row in db.execute("SELECT block FROM word_data"))


def test_a_title_is_searched_too(db: SqlConnection) -> None:
    _say(db, "see there", title="Quarterly report")
    indexing.batch(db)
    assert found(db, "quarterly there") == ["see there"]


def test_a_search_that_takes_too_long_ends(db: SqlConnection) -> None:
    with db:
        db.execute("BEGIN")
        for n in range(5000):
            _say(db, f"word{n} common", id=digest(f"id {n}")[:16])
        while indexing.batch(db):
            pass
    with pytest.raises(DaemonError) as caught:
        search(db, Wanted(terms("wo* common")), 100, NOW_MS, seconds=0.0)
    assert caught.value.kind == "timeout"
    assert found(db, "kitchen") == ["Grüße from the kitchen"]


@pytest.mark.parametrize("query", ['"open', "", " ", "***", "-only", "a*", "x " * 17, "'", "()"])
def test_what_is_no_query_is_named(query: str) -> None:
    with pytest.raises(QueryError):
        terms(query)


STATEMENTS = [
    "place:c00",
    "{place} : x",
    "disk OR kitchen",
    "NEAR(disk full)",
    "disk AND NOT kitchen",
    "^disk",
    "disk; DROP TABLE message",
    "a\x00b",
    "disk) OR (kitchen",
    "' OR 1=1 --",
    "text : kitchen",
]


@pytest.mark.parametrize("query", STATEMENTS)
def test_no_query_is_a_statement(db: SqlConnection, query: str) -> None:
    with suppress(QueryError):
        assert "Grüße from the kitchen" not in found(db, query)
    assert len(found(db, "the")) == 3


@given(st.text(max_size=60))
def test_any_text_is_a_query_or_named(query: str) -> None:
    opened = _open()
    try:
        found(opened, query)
    except QueryError:
        pass
    finally:
        opened.close()
