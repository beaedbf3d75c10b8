"""Answers to what this account has asked: messages that name its request, in the request's channel.

The first answer of an identity counts; any member of the channel may answer. What was imported answers nothing.
"""

from peerpost_daemon.records.messages import SELECT, StoredMessage, stored
from peerpost_daemon.vault.connection import SqlConnection

MAX_ANSWERS = 256

_CORRELATED = (
    "answers AND NOT imported AND NOT mine AND deleted_at_ms IS NULL AND EXISTS (SELECT 1 FROM "
    "message AS asked WHERE asked.id = message.request AND asked.mine AND asked.request = asked.id "
    "AND +asked.channel = message.channel)"
)


def counts(db: SqlConnection, requests: list[bytes]) -> dict[bytes, int]:
    """Return for each request how many identities have answered."""
    marks = ", ".join("?" * len(requests))
    rows = db.execute(
        f"SELECT request, count(DISTINCT identity) FROM message WHERE request IN ({marks}) "  # noqa: S608  marks alone
        f"AND {_CORRELATED} GROUP BY request",
        requests,
    ).fetchall()
    return dict(rows)


def to(db: SqlConnection, request: bytes) -> list[StoredMessage]:
    """Return the first answer of each identity to a request, in the order in which they came."""
    rows = db.execute(
        f"{SELECT} WHERE message.cursor IN (SELECT min(cursor) FROM message WHERE request = ? "  # noqa: S608
        f"AND {_CORRELATED} GROUP BY identity) ORDER BY message.cursor LIMIT ?",
        (request, MAX_ANSWERS),
    ).fetchall()
    return [stored(row) for row in rows]
