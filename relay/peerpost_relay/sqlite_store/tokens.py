"""Tokens in SQLite: only their SHA-256."""

from typing import Any

from peerpost_relay.sqlite_store.statements import Statements
from peerpost_relay.store import RateClass, Token

_COLUMNS = "number, identity, created_at_ms, expires_at_ms, uses_left, revoked_at_ms, rate"


class Tokens(Statements):
    """Read and write tokens."""

    __slots__ = ()

    def token(self, digest: bytes) -> Token | None:
        """Return the token with this SHA-256."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM tokens WHERE digest = ?",  # noqa: S608  a constant
            (digest,),
        ).fetchone()
        return _token(row) if row else None

    def tokens(self) -> list[Token]:
        """Return all tokens, oldest first."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM tokens ORDER BY number"  # noqa: S608  a constant
        )
        return [_token(row) for row in rows]

    def add_token(
        self,
        digest: bytes,
        identity: str,
        now_ms: int,
        expires_at_ms: int | None,
        uses: int | None,
        *,
        rate: RateClass = RateClass.FULL,
    ) -> int:
        """Add a token; return its number."""
        done = self._db.execute(
            "INSERT INTO tokens (digest, identity, created_at_ms, expires_at_ms, uses_left, rate)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (digest, identity, now_ms, expires_at_ms, uses, str(rate)),
        )
        return int(done.lastrowid or 0)

    def use_token(self, number: int) -> None:
        """Count one use."""
        self._db.execute("UPDATE tokens SET uses_left = uses_left - 1 WHERE number = ?", (number,))

    def revoke_token(self, number: int, now_ms: int) -> bool:
        """Revoke a token; tell whether there was a live one."""
        done = self._db.execute(
            "UPDATE tokens SET revoked_at_ms = ? WHERE number = ? AND revoked_at_ms IS NULL",
            (now_ms, number),
        )
        return done.rowcount == 1

    def forsaken_since(self, at_ms: int) -> list[bytes]:
        """Return the ids of the cards that rest on tokens revoked at or after a time."""
        rows = self._db.execute(
            "SELECT c.card FROM tokens t JOIN cards c ON c.token = t.number"
            " WHERE t.revoked_at_ms >= ? AND c.attestation = 'authorized'",
            (at_ms,),
        )
        return [card for (card,) in rows]


def _token(row: tuple[Any, ...]) -> Token:
    number, identity, created, expires, uses, revoked, rate = row
    return Token(number, identity, created, expires, uses, revoked, RateClass(rate))
