"""Tokens in SQLite: only their SHA-256."""

from peerpost_relay.sqlite_store.statements import Statements
from peerpost_relay.store import Token

_COLUMNS = "number, identity, created_at_ms, expires_at_ms, uses_left, revoked_at_ms"


class Tokens(Statements):
    """Read and write tokens."""

    __slots__ = ()

    def token(self, digest: bytes) -> Token | None:
        """Return the token with this SHA-256."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM tokens WHERE digest = ?",  # noqa: S608  a constant
            (digest,),
        ).fetchone()
        return Token(*row) if row else None

    def tokens(self) -> list[Token]:
        """Return all tokens, oldest first."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM tokens ORDER BY number"  # noqa: S608  a constant
        )
        return [Token(*row) for row in rows]

    def add_token(
        self,
        digest: bytes,
        identity: str,
        now_ms: int,
        expires_at_ms: int | None,
        uses: int | None,
    ) -> int:
        """Add a token; return its number."""
        done = self._db.execute(
            "INSERT INTO tokens (digest, identity, created_at_ms, expires_at_ms, uses_left)"
            " VALUES (?, ?, ?, ?, ?)",
            (digest, identity, now_ms, expires_at_ms, uses),
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
