"""Within: the channels that a caller is kept to, found anew each time it asks.

The configuration names them by what nobody else can move: an alias that was given here, a whole id, or the identity at
the other end of a direct channel. A channel's own name is for its members to choose, so it names nothing here. What a
reference does not fit now gives nothing; a direct channel that comes later is found when it is there.
"""

from typing import Final

from msgspec import Struct

from peerpost_daemon.records import outbox
from peerpost_daemon.records.messages import Message
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.errors import MalformedError
from peerpost_protocol.identity import normalise

_ID_DIGITS: Final = 64
_DIGITS: Final = frozenset("0123456789abcdef")
_LEAST_DIGITS: Final = 8  # with which an alias would look like an id


class MalformedReferenceError(Exception):
    """Say why a reference can name no channel."""


def checked(reference: str) -> str:
    """Return a reference of the configuration in its one form. Raises MalformedReferenceError."""
    if "@" in reference:
        try:
            return normalise(reference)
        except MalformedError as error:
            raise MalformedReferenceError(f"is no identity: {error.detail}") from None
    lower = reference.lower()
    if len(reference) >= _LEAST_DIGITS and set(lower) <= _DIGITS:
        if len(reference) != _ID_DIGITS:
            raise MalformedReferenceError(f"is no whole id of {_ID_DIGITS} digits")
        return lower
    return reference


class Within(Struct, frozen=True):
    """Be the channels that a caller is kept to, by reference; None: all."""

    references: frozenset[str] | None = None

    @property
    def bounded(self) -> bool:
        """Say whether some channels are out of reach."""
        return self.references is not None

    def ids(self, db: SqlConnection) -> frozenset[bytes] | None:
        """Return the channels, None for all."""
        if self.references is None:
            return None
        values = sorted(self.references)
        marks = ", ".join("?" * len(values))
        whole = [bytes.fromhex(one) for one in values if _is_id(one)]
        rows = db.execute(
            f"SELECT id FROM channel WHERE alias IN ({marks}) OR peer IN ({marks}) "  # noqa: S608  marks alone
            f"OR id IN ({', '.join('?' * len(whole))})",
            (*values, *values, *whole),
        )
        return frozenset(row[0] for row in rows.fetchall())

    def has(self, db: SqlConnection, channel: bytes | None, identity: str | None = None) -> bool:
        """Say whether a channel is within, or the identity of whom a first message goes to."""
        if self.references is None:
            return True
        if channel is not None and channel in (self.ids(db) or ()):
            return True
        return identity is not None and identity in self.references

    def shows(self, db: SqlConnection, said: Message) -> bool:
        """Say whether a message may be seen, also one that waits for its channel."""
        if self.references is None:
            return True
        if said.channel is not None:
            return self.has(db, said.channel)
        waiting = outbox.find(db, said.id) if said.mine else None
        return waiting is not None and self.has(db, None, waiting.recipient)


EVERYWHERE: Final = Within()


def _is_id(reference: str) -> bool:
    return len(reference) == _ID_DIGITS and set(reference) <= _DIGITS
