"""`peerpost-relay backup` and `restore`: one file with the database and the relay's key, whole or not at all.

A backup is a copy of the database at one moment, taken by SQLite's own backup interface beside a relay that serves; the
relay's key stands in it in a table of its own. Whoever has the file is the relay: it is 0600. The files of the blobs
are not in it; they are sealed, never changed, and copied as files.

A restored store gets a new epoch. What came after the copy is gone and its positions, revisions and numbers will be
given again; a new epoch says so to everybody at once, where a daemon would otherwise have to notice it by what it finds
(docs/decisions/0006, docs/reliability.md).
"""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peerpost_relay.data_folder import DATABASE, KEY, SEED_BYTES, DataFolder
from peerpost_relay.errors import SetupError
from peerpost_relay.sqlite_store.schema import EPOCH_BYTES, migrate

_KEY_TABLE = "CREATE TABLE backup_key (one INTEGER PRIMARY KEY CHECK (one = 1), seed BLOB NOT NULL)"


def back_up(data: Path, to: Path) -> None:
    """Write a checked copy of a data folder's store to a new file; raise SetupError."""
    if not (data / DATABASE).is_file() or not (data / KEY).is_file():
        raise SetupError(f"{data} is no relay's data folder: name it by --data")
    seed = (data / KEY).read_bytes()
    with _placed(to) as fresh:
        with _opened(data / DATABASE, "ro") as source, _opened(fresh, "rwc") as copy:
            source.backup(copy)  # in one step: one moment, whatever is written meanwhile
            copy.execute("PRAGMA journal_mode=DELETE")
            copy.execute(_KEY_TABLE)
            copy.execute("INSERT INTO backup_key VALUES (1, ?)", (seed,))
            copy.commit()
            _check(copy, fresh)
        os.link(fresh, to)


def restore(source: Path, data: Path) -> None:
    """Make a data folder of a backup that was checked; raise SetupError, also when the folder holds anything."""
    if data.exists() and any(data.iterdir()):
        raise SetupError(f"{data} is not empty: restore into a new folder")
    if not source.is_file():
        raise SetupError(f"{source} is no file")
    folder = DataFolder(data)
    with _placed(folder.database) as fresh:
        with _opened(source, "ro") as backup, _opened(fresh, "rwc") as copy:
            _check(backup, source)
            seed = _seed(backup, source)
            backup.backup(copy)
            copy.execute("DROP TABLE backup_key")
            copy.execute("PRAGMA secure_delete=ON")
            copy.commit()
            copy.execute("VACUUM")  # the key must not stay behind in a free page
            copy.isolation_level = None  # `migrate` begins its own transaction
            migrate(copy)
            copy.execute("UPDATE store SET epoch = ?", (os.urandom(EPOCH_BYTES),))
            _check(copy, fresh)
        _write_key(data / KEY, seed)
        os.link(fresh, folder.database)


def _seed(db: sqlite3.Connection, path: Path) -> bytes:
    try:
        row = db.execute("SELECT seed FROM backup_key").fetchone()
    except sqlite3.Error:
        row = None
    if row is None or not isinstance(row[0], bytes) or len(row[0]) != SEED_BYTES:
        raise SetupError(f"{path} is no backup of a relay")
    return row[0]


def _check(db: sqlite3.Connection, path: Path) -> None:
    (answer,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if answer != "ok":
        raise SetupError(f"{path} is damaged ({' '.join(str(answer).split())})")


def _write_key(path: Path, seed: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(seed)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _placed(path: Path) -> Iterator[Path]:
    """Give a private file beside `path` to be written and linked to its place; it is durable then, or gone."""
    if path.exists():
        raise SetupError(f"{path} is there already")
    try:
        descriptor, name = tempfile.mkstemp(".new", f".{path.name}.", path.parent)  # 0600
    except OSError as error:
        raise SetupError(f"{path.parent}: {error.strerror}") from error
    os.close(descriptor)
    try:
        yield Path(name)
        for written in (path, path.parent):
            _sync(written)
    except sqlite3.Error as error:
        raise SetupError(f"{path}: {error}") from error
    except FileExistsError:
        raise SetupError(f"{path} is there already") from None
    finally:
        for leftover in (name, f"{name}-journal", f"{name}-wal", f"{name}-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(leftover)  # noqa: PTH108


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(f"file:{_quoted(path)}?mode={mode}", uri=True)
    try:
        yield db
    finally:
        db.close()


def _quoted(path: Path) -> str:
    return path.absolute().as_uri().removeprefix("file://")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
