"""What expired envelopes leave behind, and for how long: each row goes when no promise needs it any more.

    row of `items`       until the envelope expires. That something was there is said by `channels.last`, for no
                         position is given twice, and by `channels.lost`, for readers are told what they missed
    row of `messages`    `forget_seconds` longer: until then the same envelope, sent again because the answer to it
                         was lost, is answered with its position
    row of `chains`      for good, one for a sender and channel. It alone sees to it that nothing is stored twice,
                         whatever else has been forgotten; who repeats an envelope later still is told `expired`
    roster events        for good, with their rows of `events`: every later event depends on them

What is there counts for its channel and its sender's identity, body and rows, until it goes. Both steps take a
bounded batch in a transaction: a round of upkeep is many short ones, and other writes come in between.
"""

from peerpost_protocol.envelope import parse_envelope
from peerpost_protocol.errors import ProtocolError
from peerpost_relay.sqlite_store.usage import UsedStream
from peerpost_relay.store import ROWS_BYTES

EXPIRED_BYTES_MAX = 4 * 1024 * 1024  # of bodies in one batch

SCHEMA = """
ALTER TABLE messages ADD COLUMN forget_at_ms INTEGER;
CREATE INDEX messages_by_forgetting ON messages (forget_at_ms) WHERE forget_at_ms IS NOT NULL;
UPDATE messages SET forget_at_ms = (
        SELECT i.expires_at_ms + 604800000 FROM items i
        WHERE i.channel = messages.channel AND i.position = messages.position
    ) WHERE (channel, position) IN (SELECT channel, position FROM items WHERE body IS NULL);
DELETE FROM items WHERE body IS NULL;
DELETE FROM channel_usage;
DELETE FROM identity_usage;
INSERT INTO channel_usage SELECT channel, sum(size) FROM (
        SELECT channel, length(body) AS size FROM items
        UNION ALL SELECT channel, 256 FROM messages
        UNION ALL SELECT channel, 256 FROM events
    ) GROUP BY channel;
INSERT INTO identity_usage
    SELECT c.identity, sum(256 + coalesce(length(i.body), 0)) FROM messages m
    JOIN cards c ON c.number = m.sender
    LEFT JOIN items i ON i.channel = m.channel AND i.position = m.position
    GROUP BY c.identity;
"""
"""Roster events of before count for their channels only: SQL cannot read who wrote them."""

_EXPIRED = (
    "SELECT number, channel, position, body FROM items"
    " WHERE expires_at_ms <= ? AND expires_at_ms IS NOT NULL AND body IS NOT NULL"
    " ORDER BY expires_at_ms LIMIT ?"
)
_LOST = "UPDATE channels SET lost = max(lost, ?) WHERE number = ?"
_FORGET_LATER = (
    "UPDATE messages SET forget_at_ms = ? WHERE channel = ? AND sender = ? AND message = ?"
)
_FORGOTTEN = (
    "SELECT m.channel, m.sender, m.message, c.identity FROM messages m"
    " JOIN cards c ON c.number = m.sender"
    " WHERE m.forget_at_ms <= ? AND m.forget_at_ms IS NOT NULL ORDER BY m.forget_at_ms LIMIT ?"
)
_FORGET = "DELETE FROM messages WHERE channel = ? AND sender = ? AND message = ?"

_Row = tuple[int, int, int, bytes]  # number, channel, position and body of an item


class ExpiredStream(UsedStream):
    """Be the stream from which expired envelopes go."""

    __slots__ = ()

    def expire(self, now_ms: int, forget_at_ms: int, limit: int) -> int:
        """Remove up to `limit` envelopes that have expired, but not their message ids; return how many."""
        rows = self._expired(now_ms, limit)
        for number, channel, position, body in rows:
            self._db.execute("DELETE FROM items WHERE number = ?", (number,))
            self._db.execute(_LOST, (position, channel))
            self._leave(channel, body, forget_at_ms)
        return len(rows)

    def forget(self, now_ms: int, limit: int) -> int:
        """Remove up to `limit` message ids of envelopes that expired long ago; return how many."""
        rows = self._db.execute(_FORGOTTEN, (now_ms, limit)).fetchall()
        for channel, sender, message, identity in rows:
            self._db.execute(_FORGET, (channel, sender, message))
            self.use(channel, identity, -ROWS_BYTES)
        return len(rows)

    def _expired(self, now_ms: int, limit: int) -> list[_Row]:
        rows: list[_Row] = []
        size = 0
        for row in self._db.execute(_EXPIRED, (now_ms, limit)):
            rows.append(row)
            size += len(row[3])
            if size >= EXPIRED_BYTES_MAX:
                break
        return rows

    def _leave(self, channel: int, body: bytes, forget_at_ms: int) -> None:
        """Count the body no more, and say when its message id may go."""
        try:
            header = parse_envelope(body).header
        except ProtocolError:  # nothing that was verified when it came: then it counts for nobody
            return
        row = self._db.execute(
            "SELECT number, identity FROM cards WHERE card = ?", (header.sender,)
        ).fetchone()
        if row is not None:
            self.use(channel, row[1], -len(body))
            self._db.execute(_FORGET_LATER, (forget_at_ms, channel, row[0], header.message))
