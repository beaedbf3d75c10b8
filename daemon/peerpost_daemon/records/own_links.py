"""Own links: the places that this card's envelopes have, also of those whose outbox rows are gone."""

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection


class OwnLink(Struct, frozen=True):
    """Be an envelope of ours: its id, and its position at the relay if that is known."""

    id: bytes
    position: int | None


def known(db: SqlConnection, channel: bytes, sequence: int, own: bytes = b"") -> OwnLink | None:
    """Return the envelope that was sealed with a sequence; one that was given up has left it to another.

    `own`: the earlier card of ours that sealed it; empty for the one in force.
    """
    row = db.execute(
        "SELECT envelope_id, position FROM outbox WHERE channel = ?1 AND sequence = ?2 "
        "AND own = ?3 AND state NOT IN ('queued', 'failed') UNION ALL "
        "SELECT id, position FROM own_envelope WHERE channel = ?1 AND sequence = ?2 AND own = ?3 LIMIT 1",
        (channel, sequence, own),
    ).fetchone()
    return OwnLink(*row) if row else None
