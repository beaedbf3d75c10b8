"""How many bytes are stored, by channel and by identity, in SQLite: envelopes and roster events with their rows.

Counted where they come and go, so that no quota has to add up a stream.
"""

from collections.abc import Mapping

from peerpost_relay.sqlite_store.stream import Stream
from peerpost_relay.store import Usage

_USED = (
    "SELECT coalesce((SELECT bytes FROM channel_usage WHERE channel = ?), 0),"
    " coalesce((SELECT bytes FROM identity_usage WHERE identity = ?), 0)"
)
_USE_CHANNEL = (
    "INSERT INTO channel_usage VALUES (?, ?)"
    " ON CONFLICT (channel) DO UPDATE SET bytes = bytes + excluded.bytes"
)
_USE_IDENTITY = (
    "INSERT INTO identity_usage VALUES (?, ?)"
    " ON CONFLICT (identity) DO UPDATE SET bytes = bytes + excluded.bytes"
)


class UsedStream(Stream):
    """Be the stream that knows its size."""

    __slots__ = ()

    def usage(self, channel: int, identity: str) -> Usage:
        """Return the bytes that a channel stores, and that an identity's cards have stored."""
        return Usage(*self._db.execute(_USED, (channel, identity)).fetchone())

    def use(self, channel: int, identity: str, size: int) -> None:
        """Count bytes that were stored, or with a negative size: removed."""
        self._write_usage({channel: size}, {identity: size})

    def _write_usage(self, channels: Mapping[int, int], identities: Mapping[str, int]) -> None:
        self._db.executemany(_USE_CHANNEL, channels.items())
        self._db.executemany(_USE_IDENTITY, identities.items())
