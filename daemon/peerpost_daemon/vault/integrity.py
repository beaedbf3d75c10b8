"""Is the database whole: quickly at every start, fully when somebody asks.

The quick check looks through every tree, and so reads every page in use, of which SQLCipher compares the
authentication code. It takes as long as reading the file does: before a large database it would keep everybody waiting,
so such a one is glanced at when it is opened, and checked beside those who use it. The full check reads every page,
in use or not.

Whatever is not checked yet is no danger: a page that is not what was written is refused whenever it is read.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.connection import READER, Connection, SqlConnection

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


def require_sound(connection: SqlConnection) -> None:
    """Refuse a database whose pages in use or trees are damaged (DaemonError storage_failed)."""
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        found = " ".join(str(answer).split())  # the engine says it in several lines
        raise DaemonError(
            "storage_failed",
            f"the vault is damaged ({found}): copy its files away and restore a backup",
        )


def glance(connection: SqlConnection) -> None:
    """Read the first pages: whether the key fits, and what tables there are. Raises the engine's errors."""
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()


async def found_beside(path: Path, key: bytes) -> DaemonError | None:
    """Check a database quickly on a connection of its own; return what is wrong, None when nothing is.

    Whoever is cancelled meanwhile interrupts the check.
    """
    connection = await Connection.open(path, key, READER)
    checking = asyncio.ensure_future(connection.call(require_sound))
    try:
        await asyncio.shield(checking)
    except DaemonError as error:
        return error
    finally:
        if not checking.done():
            connection.interrupt()
            await asyncio.wait([checking])
            checking.exception()
        await connection.close()
    return None
