"""Is the database whole: quickly at every start, wholly when somebody asks.

The full check reads every page and compares it with its authentication code (SQLCipher), then looks through every tree
(SQLite). It takes as long as reading the file does.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection

MAX_SHOWN: Final = 3


class Integrity(Struct, frozen=True):
    """Be the newest check: when, which, and what it found."""

    at_ms: int
    how: Literal["quick", "full"]
    damage: str | None


def damage(connection: SqlConnection) -> str | None:
    """Check everything; return what is damaged, None when nothing is. Raises the engine's errors."""
    pages = [row[0] for row in connection.execute("PRAGMA cipher_integrity_check").fetchall()]
    if pages:
        return f"{len(pages)} pages are not what was written: {'; '.join(pages[:MAX_SHOWN])}"
    rows = connection.execute(f"PRAGMA quick_check({MAX_SHOWN})").fetchall()
    trees = [row[0] for row in rows if row[0] != "ok"]
    return "; ".join(trees) or None
