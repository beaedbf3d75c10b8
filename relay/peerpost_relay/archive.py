"""A relay's backup as a file: a tar that is written and read in one pass, with no more than a piece of it in memory.

    relay.key       the seed of the relay's key
    relay.sqlite    the store at one moment
    blobs/NAME      each blob that the store names and whose file was still there
    end             JSON: the format, the SHA-256 of key and store, the number of blobs

A blob is checked against the id that the store has for it, key and store against the end. What is cut off has no end.
Attacker: whoever hands an operator a file: nothing in it is a path but names that a blob can have.
"""

import io
import json
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, BinaryIO, Final

from msgspec import Struct

from peerpost_relay.blob_folder import NAME
from peerpost_relay.data_folder import BLOBS, DATABASE, KEY, SEED_BYTES
from peerpost_relay.errors import SetupError

FORMAT: Final = "peerpost-relay backup 1"
END: Final = "end"
PIECE_BYTES: Final = 1024 * 1024
END_BYTES_MAX: Final = 4_096


class Sums(Struct):
    """Be what the end says of everything before it."""

    key: str = ""
    database: str = ""
    blobs: int = 0


class Writer:
    """Write an archive, member by member in the order above."""

    def __init__(self, file: BinaryIO) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._sums = Sums()

    def key(self, seed: bytes) -> None:
        """Add the relay's key."""
        self._sums.key = sha256(seed).hexdigest()
        self._add_bytes(KEY, seed)

    def database(self, path: Path) -> None:
        """Add the store."""
        with path.open("rb") as file:
            self._sums.database = _digest(file)
            file.seek(0)
            self._add(DATABASE, file)

    def blobs(self, folder: Path, names: Iterable[str]) -> None:
        """Add the blobs; one whose file has gone since is left out, as one that has expired is."""
        for name in names:
            try:
                descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            with os.fdopen(descriptor, "rb") as file:
                self._add(f"{BLOBS}/{name}", file)
            self._sums.blobs += 1

    def end(self) -> None:
        """Add the end."""
        self._add_bytes(END, json.dumps(_said(self._sums)).encode())
        self._tar.close()

    def _add(self, name: str, file: IO[bytes]) -> None:
        member = _member(name, os.fstat(file.fileno()).st_size)
        self._tar.addfile(member, file)

    def _add_bytes(self, name: str, data: bytes) -> None:
        self._tar.addfile(_member(name, len(data)), io.BytesIO(data))


class Reader:
    """Read an archive; every step raises SetupError for what is not as it should be."""

    def __init__(self, file: BinaryIO, name: Path) -> None:
        self._name = name
        self._sums = Sums()
        self._tar = tarfile.open(fileobj=file, mode="r|")  # noqa: SIM115
        self._next: tarfile.TarInfo | None = None

    def key(self) -> bytes:
        """Return the relay's key."""
        member = self._expect(KEY)
        if member.size != SEED_BYTES:
            raise self.damaged()
        seed = self._file(member).read(SEED_BYTES)
        self._sums.key = sha256(seed).hexdigest()
        return seed

    def database(self, to: Path) -> None:
        """Write the store to a file that is there."""
        self._sums.database = self._write(self._expect(DATABASE), to, os.O_WRONLY | os.O_TRUNC)

    def blobs(self, folder: Path, id_of: Callable[[str], bytes | None]) -> None:
        """Write the blobs into a folder, which is made for the first one."""
        while (member := self._member()).name != END:
            name = member.name.removeprefix(f"{BLOBS}/")
            if not member.name.startswith(f"{BLOBS}/") or not NAME.match(name):
                raise self.damaged()
            id_ = id_of(name)
            folder.mkdir(mode=0o700, exist_ok=True)
            digest = self._write(member, folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            if id_ is None or digest != id_.hex():
                raise self.damaged()
            self._sums.blobs += 1
        self._next = member

    def end(self) -> None:
        """Compare everything that was read with the end."""
        member = self._expect(END)
        if member.size > END_BYTES_MAX:
            raise self.damaged()
        try:
            said = json.loads(self._file(member).read())
        except ValueError:
            raise self.damaged() from None
        if said != _said(self._sums):
            raise self.damaged()

    def damaged(self) -> SetupError:
        """Return the error that says what this is not."""
        return SetupError(f"{self._name} is no whole backup of a relay")

    def _expect(self, name: str) -> tarfile.TarInfo:
        member = self._member()
        if member.name != name:
            raise self.damaged()
        return member

    def _member(self) -> tarfile.TarInfo:
        member, self._next = self._next or self._tar.next(), None
        if member is None or not member.isreg():
            raise self.damaged()
        return member

    def _file(self, member: tarfile.TarInfo) -> IO[bytes]:
        file = self._tar.extractfile(member)
        if file is None:
            raise self.damaged()
        return file

    def _write(self, member: tarfile.TarInfo, to: Path, flags: int) -> str:
        """Write a member to a file, durably; return its SHA-256."""
        hashed = sha256()
        descriptor = os.open(to, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            for piece in _pieces(self._file(member)):
                hashed.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        return hashed.hexdigest()


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Open an archive. Raises SetupError, also for what turns out to be none while it is read."""
    damaged = f"{path} is no whole backup of a relay"
    try:
        with path.open("rb") as file:
            yield Reader(file, path)
    except (tarfile.TarError, EOFError):
        raise SetupError(damaged) from None


def _said(sums: Sums) -> dict[str, str | int]:
    return {"format": FORMAT, KEY: sums.key, DATABASE: sums.database, BLOBS: sums.blobs}


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _digest(file: IO[bytes]) -> str:
    hashed = sha256()
    for piece in _pieces(file):
        hashed.update(piece)
    return hashed.hexdigest()


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece
