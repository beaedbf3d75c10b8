"""`peerpost-relay backup` and `restore`: one file with the store, the blobs and the relay's key, whole or not at all.

A backup is a copy of the database at one moment, taken by SQLite's own backup interface beside a relay that serves, and
then the files of the blobs that it names (archive.py). These are never changed, so they are of that moment too; one
that has expired in between is missing, and the relay forgets it when it starts. Whoever has the file is the relay: it
is 0600.

A restored store gets a new epoch. What came after the copy is gone and its positions, revisions and numbers will be
given again; a new epoch says so to everybody at once, where a daemon would otherwise have to notice it by what it finds
(docs/decisions/0006, docs/reliability.md).
"""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peerpost_relay.archive import Writer, reading
from peerpost_relay.data_folder import BLOBS, DATABASE, KEY, DataFolder
from peerpost_relay.durable import sync
from peerpost_relay.errors import SetupError
from peerpost_relay.sqlite_store.schema import EPOCH_BYTES, migrate

_NAMES = "SELECT name FROM blobs WHERE durable ORDER BY name"
_ID = "SELECT blob FROM blobs WHERE name = ? AND durable"


def back_up(data: Path, to: Path) -> None:
    """Write a checked copy of a data folder to a new file; raise SetupError."""
    if not (data / DATABASE).is_file() or not (data / KEY).is_file():
        raise SetupError(f"{data} is no relay's data folder")
    seed = (data / KEY).read_bytes()
    with _placed(to) as fresh:
        with _private(to) as copied, fresh.open("wb") as file:
            with _opened(data / DATABASE, "ro") as source, _opened(copied, "rwc") as copy:
                source.backup(copy)  # in one step: one moment, whatever is written meanwhile
                copy.execute("PRAGMA journal_mode=DELETE")
                _check(copy, copied)
            archive = Writer(file)
            archive.key(seed)
            archive.database(copied)
            with _opened(copied, "ro") as copy:
                archive.blobs(data / BLOBS, _names(copy))
            archive.end()
        os.link(fresh, to)


def restore(source: Path, data: Path) -> None:
    """Make a data folder of a backup that was checked; raise SetupError, also when the folder holds anything."""
    if data.exists() and any(data.iterdir()):
        raise SetupError(f"{data} is not empty: restore into a new folder")
    if not source.is_file():
        raise SetupError(f"{source} is no file")
    folder = DataFolder(data)
    with _placed(folder.database) as fresh, _undone(data), reading(source) as archive:
        seed = archive.key()
        archive.database(fresh)
        with _opened(fresh, "ro") as copy:
            _check(copy, source)
            archive.blobs(folder.blobs, lambda name: _id(copy, name))
        archive.end()
        if folder.blobs.exists():
            sync(folder.blobs)
        with _opened(fresh, "rw") as copy:
            copy.isolation_level = None  # `migrate` begins its own transaction
            migrate(copy)
            copy.execute("UPDATE store SET epoch = ?", (os.urandom(EPOCH_BYTES),))
            _check(copy, fresh)
        _write_key(data / KEY, seed)
        os.link(fresh, folder.database)


def _names(db: sqlite3.Connection) -> Iterator[str]:
    if db.execute(
        "SELECT 1 FROM sqlite_master WHERE name = 'blobs'"
    ).fetchone():  # an old store has none
        yield from (name for (name,) in db.execute(_NAMES))


def _id(db: sqlite3.Connection, name: str) -> bytes | None:
    row = db.execute(_ID, (name,)).fetchone()
    return row[0] if row else None


@contextmanager
def _undone(data: Path) -> Iterator[None]:
    """Leave nothing of a restoration that fails."""
    try:
        yield
    except BaseException:
        shutil.rmtree(data / BLOBS, ignore_errors=True)
        (data / KEY).unlink(missing_ok=True)
        raise


@contextmanager
def _private(beside: Path) -> Iterator[Path]:
    """Give a private file beside another; it is gone afterwards."""
    descriptor, name = tempfile.mkstemp(".store", f".{beside.name}.", beside.parent)  # 0600
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        _remove(name)


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
            sync(written)
    except sqlite3.Error as error:
        raise SetupError(f"{path}: {error}") from error
    except FileExistsError:
        raise SetupError(f"{path} is there already") from None
    finally:
        _remove(name)


def _remove(name: str) -> None:
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
