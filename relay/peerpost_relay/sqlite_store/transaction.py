"""All statements together."""

import sqlite3

from peerpost_relay.replays import Replays
from peerpost_relay.sqlite_store.backups import Backups
from peerpost_relay.sqlite_store.blobs import Blobs
from peerpost_relay.sqlite_store.cards import Cards
from peerpost_relay.sqlite_store.channels import Channels
from peerpost_relay.sqlite_store.expired import ExpiredStream
from peerpost_relay.sqlite_store.histories import Histories
from peerpost_relay.sqlite_store.receipts import Receipts
from peerpost_relay.sqlite_store.tokens import Tokens


class SqliteTransaction(
    Cards, Tokens, Histories, Channels, ExpiredStream, Receipts, Blobs, Backups
):
    """Be all statements together; on the reading connection SQLite refuses those that write."""

    __slots__ = ("replays",)

    def __init__(self, db: sqlite3.Connection, replays: Replays | None = None) -> None:
        super().__init__(db)
        self.replays = replays or Replays()
