"""References: how people and scripts name a channel: by alias, by id, by the beginning of an id, or by name.

    1. an alias, given here, means its channel and nothing else: nobody can take it by renaming another
    2. a word with an @ means the direct channel with that identity, whatever others call their channels
    3. an id, or what it begins with, and the name of a channel in use; requests go by their id alone
    4. the name of a channel that was left or lost, where none in use has it

What fits several is ambiguous, and the caller is told the candidates. Names are the members' to choose: a name that
only looks like another is another.
"""

import re
from typing import Final

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection

_PREFIX: Final = re.compile(r"[0-9a-f]{8,64}")
_ID_DIGITS: Final = 64
MAX_CANDIDATES: Final = 20


class Named(Struct, frozen=True):
    """Be a channel as it is referred to."""

    id: bytes
    name: str
    peer: str | None
    state: str
    posts: bool
    expire_ms: int | None


_SELECT = "SELECT id, coalesce(alias, peer, name), peer, state, posts, expire_ms FROM channel"
_NAME = (
    f"{_SELECT} WHERE CASE WHEN ?1 THEN peer ELSE iif(peer IS NULL, name, NULL) END = ?2 "
    "AND state IN (?3, ?4) ORDER BY created_at_ms, id LIMIT ?5"
)
_USED, _PAST, _ASKED = ("pending", "active"), ("left", "removed"), ("requested", "requested")
_TAKEN = ("active", "declined")


def matching(db: SqlConnection, reference: str) -> list[Named]:
    """Return the channels a reference may mean, at most MAX_CANDIDATES; a full id means one."""
    row = db.execute(f"{_SELECT} WHERE alias = ?", (reference,)).fetchone()
    if row is not None:
        return [Named(*row)]
    found = _by_id(db, reference)
    if len(reference) == _ID_DIGITS and found:
        return found
    found += _by_name(db, reference, _USED)
    return _each_once(found or _by_name(db, reference, _PAST))


def requested(db: SqlConnection, reference: str) -> list[Named]:
    """Return the requests a reference may mean; a channel that is none only by its id."""
    found = _by_id(db, reference)
    if len(reference) == _ID_DIGITS and found:
        return found  # whatever another one is called, a request can be declined by its id
    found += _by_name(db, reference, _ASKED)
    return _each_once(found or _by_name(db, reference, _TAKEN))


def name_of(db: SqlConnection, channel: bytes) -> str | None:
    """Return what a channel is called here."""
    row = db.execute(
        "SELECT coalesce(alias, peer, name) FROM channel WHERE id = ?", (channel,)
    ).fetchone()
    return row[0] if row else None


def has_alias(db: SqlConnection, alias: str, but: bytes) -> str | None:
    """Return who is called so here already, another channel than `but` or a contact."""
    row = db.execute(
        "SELECT lower(hex(id)) FROM channel WHERE alias = ?1 AND id != ?2 UNION ALL "
        "SELECT identity FROM contact WHERE alias = ?1 LIMIT 1",
        (alias, but),
    ).fetchone()
    return row[0] if row else None


def aliases(db: SqlConnection) -> dict[bytes, str]:
    """Return the channels that have a name here, with it."""
    return dict(db.execute("SELECT id, alias FROM channel WHERE alias IS NOT NULL").fetchall())


def set_alias(db: SqlConnection, channel: bytes, alias: str | None) -> None:
    """Call a channel by another name here, or by its own again."""
    db.execute("UPDATE channel SET alias = ? WHERE id = ?", (alias, channel))


def looks_like_an_id(text: str) -> bool:
    """Say whether a text could be what an id begins with."""
    return _PREFIX.fullmatch(text.lower()) is not None


def _by_id(db: SqlConnection, reference: str) -> list[Named]:
    digits = reference.lower()
    if not looks_like_an_id(digits):
        return []
    first, last = (bytes.fromhex(digits.ljust(_ID_DIGITS, end)) for end in "0f")
    rows = db.execute(
        f"{_SELECT} WHERE id >= ? AND id <= ? ORDER BY created_at_ms, id LIMIT ?",
        (first, last, MAX_CANDIDATES),
    )
    return [Named(*row) for row in rows.fetchall()]


def _by_name(db: SqlConnection, reference: str, states: tuple[str, ...]) -> list[Named]:
    identity = "@" in reference
    name = reference.strip().lower() if identity else reference
    rows = db.execute(_NAME, (identity, name, *states, MAX_CANDIDATES))
    return [Named(*row) for row in rows.fetchall()]


def _each_once(found: list[Named]) -> list[Named]:
    return list({each.id: each for each in found}.values())[:MAX_CANDIDATES]
