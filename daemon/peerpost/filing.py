"""Hand files over to the daemon, and take them from it: the bytes go through the socket.

So the daemon reads and writes nothing on a caller's behalf: what is read is what the caller may read, and what is
written is written with the caller's own rights, also when the daemon runs as somebody else.
"""

from __future__ import annotations

import os
import sys
from binascii import a2b_base64
from contextlib import suppress

from peerpost.errors import PeerpostError
from peerpost.progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from peerpost.client import Client
    from peerpost.types import File, FileToSend

PIECE_BYTES = 1024 * 1024
STDIN_NAME = "stdin"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o600


def hand_over(client: Client, path: str) -> FileToSend:
    """Give a file to the daemon, `-` for standard input; return what a message names it by."""
    if path == "-":
        return _given(client, sys.stdin.buffer, STDIN_NAME, None)
    try:
        with open(path, "rb") as file:  # noqa: PTH123  pathlib would cost start-up time
            total = os.fstat(file.fileno()).st_size
            return _given(client, file, os.path.basename(path), total)  # noqa: PTH119
    except OSError as error:
        sentence = f"{path} cannot be read: {error.strerror or error}."
        raise PeerpostError("file_unreadable", sentence) from None


def save(client: Client, file: File, target: str, *, overwrite: bool) -> str:
    """Write a file that is here; into a folder under its own name. Return where it is."""
    if os.path.isdir(target):  # noqa: PTH112  see above
        target = os.path.join(target, file["name"])  # noqa: PTH118
    folder, name = os.path.split(target)
    fresh = os.path.join(folder, f".{name[:100]}.{os.urandom(8).hex()}.part")  # noqa: PTH118
    try:
        _write(client, file, fresh)
        if overwrite:
            os.replace(fresh, target)  # noqa: PTH105  a link there is replaced, not followed
        else:
            os.link(fresh, target, follow_symlinks=False)  # unlike a rename, never over another
    except FileExistsError:
        sentence = f"There is something at {target} already: --overwrite replaces it."
        raise PeerpostError("file_exists", sentence) from None
    except OSError as error:
        sentence = f"{target} cannot be written: {error.strerror or error}."
        raise PeerpostError("file_unreadable", sentence) from None
    finally:
        with suppress(OSError):
            os.unlink(fresh)  # noqa: PTH108
    return target


def _given(client: Client, file: BinaryIO, name: str, total: int | None) -> FileToSend:
    draft = client.file_begin(name)["draft"]
    done = 0
    with Progress(name, total) as progress:
        while data := file.read(PIECE_BYTES):
            done = client.file_write(draft, done, data)["size"]
            progress.at(done)
    return {"draft": draft}


def _write(client: Client, file: File, path: str) -> None:
    with (
        os.fdopen(os.open(path, _NEW, _MODE), "wb") as out,
        Progress(file["name"], file["size"]) as progress,
    ):
        done = 0
        while done < file["size"]:
            data = a2b_base64(client.file_read(file["file"], done, length=PIECE_BYTES)["data"])
            if not data:
                raise PeerpostError("bad_answer", "The daemon's file ends too early.")
            out.write(data)
            done += len(data)
            progress.at(done)
