"""Bring a database from whatever version it has to the one this program knows.

``PRAGMA user_version`` holds the number of the last step taken. Each step is one transaction, its
new number included: whoever is killed in the middle starts again at the same step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlcipher3 import dbapi2

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.connection import SqlConnection

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Migration:
    """One step of the schema: the version it leads to, and how.

    `apply` is an SQL script or a function over the connection. Neither may begin or end a
    transaction. Foreign keys are checked once, at the end of the step, so tables can be rebuilt.
    """

    version: int
    title: str
    apply: str | Callable[[SqlConnection], object]


def migrate(connection: SqlConnection, steps: Sequence[Migration]) -> int:
    """Take every step the database has not seen; return the version it has now.

    `steps` are numbered 1, 2, 3 … without holes (ValueError otherwise: a bug, not a bad file).
    Raises DaemonError storage_failed when the database was made by a newer program or a step
    leaves dangling references, and the engine's errors as they are.
    """
    if [step.version for step in steps] != list(range(1, len(steps) + 1)):
        raise ValueError("migrations are numbered from 1 without holes")
    found = version_of(connection)
    if found > len(steps):
        raise DaemonError(
            "storage_failed",
            f"the vault was made by a newer version (schema {found}, this one knows "
            f"{len(steps)}): install the newer version again",
        )
    if 0 < found < len(steps):
        log.info("the vault is brought from schema %d to %d", found, len(steps))
    for step in steps[found:]:
        _take(connection, step)
    return len(steps)


def version_of(connection: SqlConnection) -> int:
    """Return the number of the last step the database has seen; 0 for a new one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def touch(connection: SqlConnection) -> None:
    """Change nothing, but write: so that the commit shows whether the disk takes it.

    SQLite leaves out a row that stays as it is; the version's page it always writes.
    """
    connection.execute(f"PRAGMA user_version = {version_of(connection)}")


def _take(connection: SqlConnection, step: Migration) -> None:
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        _apply(connection, step)
        _refuse_dangling_references(connection, step)
        connection.execute(f"PRAGMA user_version = {step.version}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute("PRAGMA foreign_keys = ON")


def _apply(connection: SqlConnection, step: Migration) -> None:
    if callable(step.apply):
        step.apply(connection)
    else:
        for statement in statements(step.apply):
            connection.execute(statement)
    if not connection.in_transaction:
        raise RuntimeError(f"migration {step.version} ended its own transaction")


def _refuse_dangling_references(connection: SqlConnection, step: Migration) -> None:
    dangling = connection.execute("PRAGMA foreign_key_check").fetchone()
    if dangling is not None:
        raise DaemonError(
            "storage_failed",
            f"step {step.version} ({step.title}) would leave rows of {dangling[0]!r} that refer "
            "to nothing; nothing was changed",
        )


def statements(script: str) -> Iterator[str]:
    """Split an SQL script into its statements; a trigger's body stays in one piece.

    Not `executescript`, which commits before it begins.
    """
    gathered = ""
    for piece in script.split(";"):
        gathered += piece + ";"
        if dbapi2.complete_statement(gathered):
            if gathered.strip("; \n\t\r"):
                yield gathered.strip()
            gathered = ""
    if not dbapi2.complete_statement(f"{gathered}\n;"):  # more than a last comment
        raise ValueError("a migration script ends in the middle of a statement")
