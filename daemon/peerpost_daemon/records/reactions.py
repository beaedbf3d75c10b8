"""Reactions: who has put which sign to which message. A message is named by its cursor."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection

MAX_OF_IDENTITY = 8
MAX_OF_MESSAGE = 256
"""What an identity, and everybody, may put to one message; more is ignored."""


class Reaction(Struct, frozen=True):
    """Be a sign and the identities that put it."""

    emoji: str
    identities: tuple[str, ...]


def put(db: SqlConnection, message: int, identity: str, emoji: str, at_ms: int) -> bool:
    """Put a sign to a message; return False when that changes nothing."""
    (mine, everybody) = db.execute(
        "SELECT coalesce(sum(identity = ?), 0), count(*) FROM reaction WHERE message = ?",
        (identity, message),
    ).fetchone()
    if mine >= MAX_OF_IDENTITY or everybody >= MAX_OF_MESSAGE:
        return False
    return bool(
        db.execute(
            "INSERT OR IGNORE INTO reaction (message, identity, emoji, at_ms) VALUES (?, ?, ?, ?)",
            (message, identity, emoji, at_ms),
        ).rowcount
    )


def withdraw(db: SqlConnection, message: int, identity: str, emoji: str) -> bool:
    """Take a sign back; return False when it was not there."""
    gone = db.execute(
        "DELETE FROM reaction WHERE message = ? AND identity = ? AND emoji = ?",
        (message, identity, emoji),
    )
    return bool(gone.rowcount)


def of(db: SqlConnection, messages: Iterable[int]) -> Mapping[int, list[Reaction]]:
    """Return the reactions to messages, in the order in which each sign came first."""
    wanted = list(messages)
    marks = ", ".join("?" * len(wanted))
    rows = db.execute(
        f"SELECT message, emoji, identity FROM reaction WHERE message IN ({marks}) "  # noqa: S608  marks alone
        "ORDER BY at_ms, identity, emoji",
        wanted,
    )
    found = dict[int, dict[str, list[str]]]()
    for message, emoji, identity in rows:
        found.setdefault(message, {}).setdefault(emoji, []).append(identity)
    return {
        message: [Reaction(emoji, tuple(who)) for emoji, who in signs.items()]
        for message, signs in found.items()
    }
