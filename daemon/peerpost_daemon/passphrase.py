"""The passphrase of the vault: where it comes from, and its one form.

It comes, in this order, from
  1. systemd:            $CREDENTIALS_DIRECTORY/peerpost-passphrase
  2. a file descriptor:  number in $PEERPOST_PASSPHRASE_FD, read to its end and closed
  3. a private file:     --passphrase-file
  4. the terminal

and never from an argument or a variable, which other processes can read. Everything here blocks:
call it before the event loop starts. Python cannot wipe bytes, so keep what is returned in a local
variable and for one call only.
"""

from __future__ import annotations

import getpass
import os
import re
import stat
import sys
import unicodedata
from collections.abc import Callable, MutableMapping
from pathlib import Path

from peerpost_daemon.errors import DaemonError

MAX_PASSPHRASE_BYTES = 1024
CREDENTIAL = "peerpost-passphrase"
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
DESCRIPTOR_VARIABLE = "PEERPOST_PASSPHRASE_FD"
_FIRST_FREE_DESCRIPTOR = 3  # 0, 1 and 2 are not ours to close
_DESCRIPTOR = re.compile("[0-9]{1,9}")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

Prompt = Callable[[str], str]


def find(
    environment: MutableMapping[str, str],
    *,
    file: Path | None = None,
    prompt: Prompt | None = None,
    confirm: bool = False,
) -> bytes | None:
    """Return the passphrase from the first source there is, or None when there is none.

    `prompt` asks the terminal (see `terminal`); `confirm` asks twice. The descriptor's variable is
    removed from `environment` with the descriptor. Raises DaemonError invalid_params, its field
    naming the source: a source that is there but bad is not passed over.
    """
    if directory := environment.get(CREDENTIALS_VARIABLE):
        credential = Path(directory) / CREDENTIAL
        if not _is_missing(credential):
            return _from_file(credential, "credential", private=False)
    if (number := environment.pop(DESCRIPTOR_VARIABLE, None)) is not None:
        return _from_descriptor(number)
    if file is not None:
        return _from_file(file, "passphrase_file", private=True)
    if prompt is not None:
        return _from_prompt(prompt, confirm=confirm)
    return None


def _is_missing(path: Path) -> bool:
    """Tell whether nothing is there; what cannot be looked at is there, and bad."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def terminal() -> Prompt | None:
    """Return what asks at the terminal without echo, or None when there is no terminal."""
    return getpass.getpass if sys.stdin is not None and sys.stdin.isatty() else None


def prepared(passphrase: bytes | str) -> bytes:
    """Return the bytes to derive keys from: text as UTF-8 in NFC, other bytes as they are.

    The same letters typed on another system may come composed otherwise. Raises DaemonError
    invalid_params outside of 1 to 1024 bytes.
    """
    given = _encoded(passphrase) if isinstance(passphrase, str) else bytes(passphrase)
    _bounded(given)
    try:
        normal = unicodedata.normalize("NFC", given.decode()).encode()
    except UnicodeDecodeError:
        return given
    return _bounded(normal)


def _encoded(text: str) -> bytes:
    # A terminal's undecodable bytes arrive as surrogates; other lone surrogates are no text.
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise _bad("the passphrase is not text", "passphrase") from None


def _bounded(passphrase: bytes, field: str = "passphrase") -> bytes:
    if not passphrase:
        raise _bad("the passphrase is empty", field)
    if len(passphrase) > MAX_PASSPHRASE_BYTES:
        raise _bad(f"the passphrase is longer than {MAX_PASSPHRASE_BYTES} bytes", field)
    return passphrase


def _from_file(path: Path, field: str, *, private: bool) -> bytes:
    try:
        with path.open("rb") as file:
            # systemd's credentials are 0400 or 0440 in a directory that only the unit sees.
            if private and os.fstat(file.fileno()).st_mode & _OTHERS:
                raise _bad(f"others may read {path}: chmod 600 it and try again", field)
            return _from_descriptor_open(file.fileno(), field)
    except OSError as error:
        raise _bad(f"the passphrase cannot be read from {path}: {error.strerror}", field) from error


def _from_descriptor(number: str) -> bytes:
    if not _DESCRIPTOR.fullmatch(number) or int(number) < _FIRST_FREE_DESCRIPTOR:
        raise _bad(f"it names no descriptor from 3 up: {number[:20]!r}", DESCRIPTOR_VARIABLE)
    try:
        with os.fdopen(int(number), "rb", buffering=0) as file:
            return _from_descriptor_open(file.fileno(), DESCRIPTOR_VARIABLE)
    except OSError as error:
        raise _bad(f"descriptor {number} cannot be read", DESCRIPTOR_VARIABLE) from error


def _from_descriptor_open(descriptor: int, field: str) -> bytes:
    """Read to the end, or one byte past what a passphrase and its newline may have."""
    gathered = b""
    limit = MAX_PASSPHRASE_BYTES + 2
    while len(gathered) < limit and (piece := os.read(descriptor, limit - len(gathered))):
        gathered += piece
    return _bounded(gathered.removesuffix(b"\n"), field)


def _from_prompt(prompt: Prompt, *, confirm: bool) -> bytes:
    first = _bounded(_encoded(prompt("Passphrase of the vault: ")))
    if confirm and _encoded(prompt("The same again: ")) != first:
        raise _bad("the two passphrases differ", "passphrase")
    return first


def _bad(message: str, field: str) -> DaemonError:
    return DaemonError("invalid_params", message, field=field)
