"""What the tests write and read."""

from collections.abc import Callable

from peerpost_daemon.vault.connection import SqlConnection


def note(text: str) -> Callable[[SqlConnection], int | None]:
    return lambda c: c.execute("INSERT INTO note (text) VALUES (?)", (text,)).lastrowid


def texts(connection: SqlConnection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT text FROM note ORDER BY id")]
