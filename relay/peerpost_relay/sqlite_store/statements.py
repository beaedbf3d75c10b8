"""What all groups of statements have: the raw connection, in its own thread."""

import sqlite3


class Statements:
    """Hold the connection that the statements run on."""

    __slots__ = ("_db",)

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
