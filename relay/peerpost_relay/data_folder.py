"""The relay's folder: its database, its key, and the lock that one serving process holds.

The folder is 0700 and every file in it 0600, whatever the umask. The key (a 32-byte Ed25519 seed)
is a file of its own, so that copying the database copies no secret.
"""

import contextlib
import fcntl
import os
from pathlib import Path

from peerpost_protocol.signing import SigningKey
from peerpost_relay.durable import sync
from peerpost_relay.errors import SetupError

DATABASE = "relay.sqlite"
BLOBS = "blobs"
KEY = "relay.key"
LOCK = "relay.lock"
SEED_BYTES = 32

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class DataFolder:
    """Be the folder; made when it is missing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
        except OSError as error:
            raise _unusable(path, error) from error

    @property
    def database(self) -> Path:
        """Return where the database is."""
        return self.path / DATABASE

    @property
    def blobs(self) -> Path:
        """Return where the blobs are."""
        return self.path / BLOBS

    def key(self) -> SigningKey:
        """Return the relay's key, made when it is missing; raise SetupError when it is damaged."""
        path = self.path / KEY
        try:
            if not path.exists():
                self._make_key(path)
            seed = path.read_bytes()
        except OSError as error:
            raise _unusable(path, error) from error
        if len(seed) != SEED_BYTES:
            raise SetupError(
                f"{path} is damaged: {SEED_BYTES} bytes are expected; put it back from a backup"
            )
        return SigningKey(seed)

    def lock(self) -> int:
        """Return a descriptor that holds the folder for this process; raise SetupError."""
        try:
            held = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(held)
            raise SetupError(
                f"another relay serves {self.path}: end it, or name another folder"
            ) from None
        return held

    def _make_key(self, path: Path) -> None:
        """Write the whole key under another name first: a half-written one must never be read."""
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(fresh, _NEW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(SEED_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # unlike a rename, this never replaces a key made meanwhile
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        sync(self.path)


def existing(data: Path) -> DataFolder:
    """Return a folder that holds a store; raise SetupError for one that does not: none is made here."""
    if not (data / DATABASE).exists():
        raise SetupError(
            f"there is no relay's store in {data}: name its folder by --data; "
            "`peerpost-relay serve` makes a new one"
        )
    return DataFolder(data)


def _unusable(path: Path, error: OSError) -> SetupError:
    return SetupError(
        f"{path} cannot be used ({error.strerror}): "
        "name another one, or give it to the relay's user"
    )


def written_ms(data: Path) -> int | None:
    """Return when the store in a folder was last written, in ms since the epoch; None where there is none."""
    times = []
    for name in (DATABASE, f"{DATABASE}-wal"):
        with contextlib.suppress(OSError):
            times.append((data / name).stat().st_mtime_ns // 1_000_000)
    return max(times, default=None)
