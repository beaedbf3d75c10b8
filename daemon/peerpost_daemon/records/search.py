"""Search: messages by their words, the newest first, with the places where the words stand. Bounded in time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from msgspec import Struct
from sqlcipher3 import dbapi2

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records.message_pages import span
from peerpost_daemon.records.messages import SELECT, StoredMessage, stored
from peerpost_daemon.records.search_query import Term, compiled
from peerpost_daemon.vault.connection import SqlConnection

MAX_SECONDS: Final = 0.5
"""A search that takes longer is ended: other readers wait for the connection meanwhile."""
SNIPPET_WORDS: Final = 16
_STEPS: Final = 200  # of SQLite's machine, between two looks at the clock
_BEGIN, _END = "\x02", "\x03"


class Wanted(Struct, frozen=True):
    """Say what is searched for, and where; null is anywhere. `before`: only messages before this cursor."""

    terms: list[Term]
    channels: frozenset[bytes] | None = None
    sender: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    before: int | None = None


class Piece(Struct, frozen=True):
    """Be a piece of a text, and whether it is what was searched for."""

    text: str
    match: bool


class Hit(Struct, frozen=True):
    """Be a message that was found, and the part of its text that shows why."""

    message: StoredMessage
    snippet: list[Piece]


def search(
    db: SqlConnection, wanted: Wanted, limit: int, now_ms: int, *, seconds: float = MAX_SECONDS
) -> tuple[list[Hit], bool]:
    """Return at most `limit` messages that fit, the newest first, and whether there are more.

    Raises DaemonError timeout when that takes too long.
    """
    if wanted.channels is not None and not wanted.channels:
        return [], False
    with _deadline(db, seconds):
        first, last = _span(db, wanted)
        expression = compiled(wanted.terms, channels=wanted.channels, sender=wanted.sender)
        rows = db.execute(
            "SELECT word.rowid, snippet(word, 0, ?, ?, '…', ?) FROM word "
            "JOIN message AS said ON said.cursor = word.rowid "
            "WHERE word MATCH ? AND word.rowid BETWEEN ? AND ? "
            "AND (said.expires_at_ms IS NULL OR said.expires_at_ms > ?) "
            "AND said.sent_at_ms BETWEEN ? AND ? "
            "ORDER BY word.rowid DESC LIMIT ?",
            (
                _BEGIN,
                _END,
                SNIPPET_WORDS,
                expression,
                first,
                last,
                now_ms,
                wanted.since_ms or 0,
                wanted.until_ms or 2**62,
                limit + 1,
            ),
        ).fetchall()
        return [_hit(db, *row) for row in rows[:limit]], len(rows) > limit


def _span(db: SqlConnection, wanted: Wanted) -> tuple[int, int]:
    newest = 2**62 if wanted.before is None else wanted.before - 1
    if (wanted.since_ms, wanted.until_ms) == (None, None):
        return 0, newest
    only = next(iter(wanted.channels)) if wanted.channels and len(wanted.channels) == 1 else None
    first, last = span(db, only, wanted.since_ms or 0, wanted.until_ms or 2**62)
    return first, min(last, newest)


def _hit(db: SqlConnection, cursor: int, snippet: str) -> Hit:
    row = db.execute(f"{SELECT} WHERE message.cursor = ?", (cursor,)).fetchone()
    return Hit(stored(row), list(_pieces(snippet or "")))


def _pieces(snippet: str) -> Iterator[Piece]:
    for number, part in enumerate(snippet.split(_BEGIN)):
        match, _, rest = part.partition(_END) if number else ("", "", part)
        if match:
            yield Piece(match, match=True)
        if rest:
            yield Piece(rest, match=False)


@contextmanager
def _deadline(db: SqlConnection, seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    db.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    except dbapi2.OperationalError:
        if time.monotonic() <= end:
            raise
        message = "The search took too long: ask for rarer words, a channel or a time."
        raise DaemonError("timeout", message) from None
    finally:
        db.set_progress_handler(None, 0)
