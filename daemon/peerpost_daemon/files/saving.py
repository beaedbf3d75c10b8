"""Write a file where its receiver wants it, and nowhere else. Blocking.

Who attacks: a sender, through the name (that is `names`); another local user, who puts a symbolic link or a file of
his own where ours is expected. So nothing is opened that is there already: without `overwrite` the place must be free;
with it, the file is written beside it and takes its place in one step, and a link is replaced and never followed.
"""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from peerpost_daemon.errors import DaemonError

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE: Final = 0o600


def place(path: Path, name: str) -> Path:
    """Return where the file goes: into a folder under its own name, else exactly there."""
    return path / name if path.is_dir() else path


def save(pieces: Iterable[bytes], target: Path, *, overwrite: bool) -> None:
    """Write the pieces; what cannot be written whole is not there afterwards.

    Raises DaemonError file_exists, file_unreadable, and what the pieces raise.
    """
    fresh = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.part")
    try:
        _write(fresh, pieces)
        if overwrite:
            os.replace(fresh, target)  # noqa: PTH105  a link there is replaced, not followed
        else:
            os.link(fresh, target, follow_symlinks=False)  # unlike a rename, never over another
    except FileExistsError:
        message = f"There is something at {target} already."
        raise DaemonError("file_exists", message, field="path") from None
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror}."
        raise DaemonError("file_unreadable", message, field="path") from None
    finally:
        fresh.unlink(missing_ok=True)


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    with os.fdopen(os.open(path, _NEW, _MODE), "wb", buffering=0) as file:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[file.write(view) :]
        os.fsync(file.fileno())
