"""The embedded store: one SQLite file in WAL mode. No SQL stands outside this package."""

from peerpost_relay.sqlite_store.database import SqliteStore

__all__ = ["SqliteStore"]
