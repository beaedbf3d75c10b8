"""The store: is it whole, of which version, and does the clock fit to it. It is opened for reading alone."""

import asyncio
import platform
import sqlite3
import ssl
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from peerpost_protocol.check import Check, failed, passed, skipped
from peerpost_protocol.clock import far_off
from peerpost_relay.data_folder import DATABASE, written_ms
from peerpost_relay.relay import wall_clock
from peerpost_relay.sqlite_store.schema import MIGRATIONS
from peerpost_relay.version import VERSION

T = TypeVar("T")

DAMAGE_SHOWN = 3  # lines of SQLite's own check
_FIX = "Stop the relay, copy its folder away, restore a backup; look after the disk."


async def store(data: Path) -> Check:
    """Read every page and every tree; on a large store that takes its time."""
    path = data / DATABASE
    if not path.is_file():
        return skipped("store_integrity", f"{path} is not there yet")
    try:
        version, damage = await asyncio.to_thread(_look, path, _integrity)
    except sqlite3.Error as error:
        return failed("store_integrity", f"{path}: {error}.", _FIX)
    if damage:
        return failed("store_integrity", f"{path} is damaged: {damage}.", _FIX)
    if version > len(MIGRATIONS):
        detail = f"{path} was made by a newer version (schema {version})."
        return failed("store_integrity", detail, "Install the newer version again.")
    older = f"; schema {version} becomes {len(MIGRATIONS)} at the next start"
    return passed("store_integrity", "whole" + (older if version < len(MIGRATIONS) else ""))


async def versions(data: Path) -> Check:
    """Return what runs here."""
    try:
        schema = str(await asyncio.to_thread(_look, data / DATABASE, _version))
    except sqlite3.Error:
        schema = "?"
    return passed(
        "versions",
        f"peerpost-relay {VERSION}, schema {schema}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {ssl.OPENSSL_VERSION}",
    )


def clock(data: Path, now_ms: Callable[[], int] = wall_clock) -> Check:
    """Judge the clock by when the store was last written."""
    written = written_ms(data)
    wrong = far_off(now_ms(), written)
    if wrong is not None:
        return failed("clock", f"{wrong}.", "Set the clock, then start the relay.")
    return passed(
        "clock", "it fits to the store" if written else "there is nothing to compare with"
    )


def _look(path: Path, function: Callable[[sqlite3.Connection], T]) -> T:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        return function(db)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _integrity(db: sqlite3.Connection) -> tuple[int, str]:
    rows = db.execute(f"PRAGMA integrity_check({DAMAGE_SHOWN})").fetchall()
    lines = [" ".join(str(row[0]).split()) for row in rows]
    return _version(db), "" if lines == ["ok"] else "; ".join(lines)
