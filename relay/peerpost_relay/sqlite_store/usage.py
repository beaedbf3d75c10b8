"""How many bytes of envelopes are stored, by channel and by identity, in SQLite.

Counted where envelopes come and go, so that no quota has to add up a stream. Roster events do not count.
"""

from collections.abc import Mapping

from peerpost_protocol.envelope import parse_envelope
from peerpost_protocol.errors import ProtocolError
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
_EXPIRING = (
    "SELECT channel, body FROM items"
    " WHERE expires_at_ms <= ? AND expires_at_ms IS NOT NULL AND body IS NOT NULL"
    " ORDER BY expires_at_ms LIMIT ?"
)


class UsedStream(Stream):
    """Be the stream that knows its size."""

    __slots__ = ()

    def usage(self, channel: int, identity: str) -> Usage:
        """Return the bytes of the stored envelopes of a channel, and of an identity's cards."""
        return Usage(*self._db.execute(_USED, (channel, identity)).fetchone())

    def use(self, channel: int, identity: str, size: int) -> None:
        """Count the bytes of an envelope that was stored, or with a negative size: removed."""
        self._write_usage({channel: size}, {identity: size})

    def _write_usage(self, channels: Mapping[int, int], identities: Mapping[str, int]) -> None:
        self._db.executemany(_USE_CHANNEL, channels.items())
        self._db.executemany(_USE_IDENTITY, identities.items())

    def expire(self, now_ms: int, limit: int) -> int:
        """Remove the bodies of up to `limit` envelopes that have expired, and what they counted for."""
        for channel, body in self._db.execute(_EXPIRING, (now_ms, limit)).fetchall():
            self.use(channel, self._sender(body), -len(body))
        return super().expire(now_ms, limit)

    def _sender(self, body: bytes) -> str:
        try:
            sender = parse_envelope(body).header.sender
        except ProtocolError:  # nothing that was verified when it came; then it counts for nobody
            return ""
        row = self._db.execute("SELECT identity FROM cards WHERE card = ?", (sender,)).fetchone()
        return str(row[0]) if row else ""
