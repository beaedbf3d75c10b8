"""References: how people and scripts name a channel: by id, by the beginning of an id, or by name.

A direct channel has no name of its own; it goes by the other member's identity.
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


_SELECT = "SELECT id, coalesce(peer, name), peer, state, posts, expire_ms FROM channel"


def matching(db: SqlConnection, reference: str) -> list[Named]:
    """Return the channels a reference may mean, at most MAX_CANDIDATES; a full id means one."""
    digits = reference.lower() if _PREFIX.fullmatch(reference.lower()) else None
    if digits is not None and len(digits) == _ID_DIGITS:
        rows = db.execute(f"{_SELECT} WHERE id = ?", (bytes.fromhex(digits),))
    else:
        rows = db.execute(
            f"{_SELECT} WHERE coalesce(peer, name) = ? OR (id >= ? AND id <= ?) "
            "ORDER BY created_at_ms, id LIMIT ?",
            (reference, *_range(digits), MAX_CANDIDATES),
        )
    return [Named(*row) for row in rows.fetchall()]


def name_of(db: SqlConnection, channel: bytes) -> str | None:
    """Return what a channel is called here."""
    row = db.execute("SELECT coalesce(peer, name) FROM channel WHERE id = ?", (channel,)).fetchone()
    return row[0] if row else None


def _range(digits: str | None) -> tuple[bytes | None, bytes | None]:
    """Return the first and the last id that begin with the digits; nothing lies between nulls."""
    if digits is None:
        return None, None
    return bytes.fromhex(digits.ljust(_ID_DIGITS, "0")), bytes.fromhex(
        digits.ljust(_ID_DIGITS, "f")
    )
