"""What a scanner saw of a QR code: a file with the code's text, or a picture of it.

Attacker: whoever made the file. A picture is decoded by a process of its own (`peerpost.picture`), bounded in bytes,
pixels, memory and time, and by a library that is an extra: `pip install peerpost[scan]`.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from json import loads

from peerpost import picture
from peerpost.errors import UsageError

MAX_TEXT_BYTES = 4096
WAIT_SECONDS = (
    2 * picture.MAX_SECONDS
)  # by the clock; the process itself has half of it by the processor's
PREFIX = "peerpost-"
_WHY = {
    picture.TOO_LARGE: (
        f"has more than {picture.MAX_PICTURE_BYTES} bytes or {picture.MAX_PIXELS} pixels: take a smaller picture"
    ),
    picture.NO_READER: "is a picture, and nothing here reads one: pip install 'peerpost[scan]'",
}


def scanned(path: str) -> str:
    """Return the text of the code in a file. Raises UsageError."""
    try:
        data = _read(path)
    except OSError as error:
        raise _usage(path, f"cannot be read: {error.strerror}") from None
    if data.startswith(picture.MAGICS):
        return _seen(path, data)
    return data[:MAX_TEXT_BYTES].decode("ascii", "replace").strip()


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise _usage(path, "is a folder")
        return file.read(picture.MAX_PICTURE_BYTES + 1) or b""


def _seen(path: str, data: bytes) -> str:
    """Return the text of the one code of ours that a picture shows."""
    command = (sys.executable, "-P", "-m", "peerpost.picture")
    try:
        done = subprocess.run(  # noqa: S603  our own module, by the interpreter that runs us
            command, input=data, capture_output=True, timeout=WAIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _usage(path, "takes too long to read: take a smaller picture") from None
    if done.returncode != 0:
        raise _usage(path, _WHY.get(done.returncode, "is no picture that can be read"))
    ours = sorted({text for text in loads(done.stdout) if text.startswith(PREFIX)})
    if len(ours) != 1:
        shown = "no code" if not ours else f"{len(ours)} codes"
        raise _usage(path, f"shows {shown} of peerpost: exactly one is needed")
    return str(ours[0])


def _usage(path: str, what: str) -> UsageError:
    return UsageError("usage", f"{path} {what}.")
