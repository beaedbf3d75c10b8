"""Where passphrases and tokens come from: a prompt, a file descriptor, a file, standard input.

Never the command line or the environment: other processes can read both.
"""

from __future__ import annotations

import os
import stat
import sys

from peerpost.errors import UsageError

MAXIMUM_SECRET_BYTES = 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def from_prompt(question: str, *, twice: bool = False) -> str:
    """Ask on the terminal without an echo, `twice` for a secret that is new."""
    if not _has_terminal():
        raise UsageError("usage", "There is no terminal to ask on: name a file or a descriptor.")
    from getpass import getpass  # noqa: PLC0415 - only a prompt needs it

    secret = getpass(f"{question}: ")
    if twice and getpass(f"{question} again: ") != secret:
        raise UsageError("usage", "The two entries differ.")
    return _checked(secret.encode("utf-8", "surrogateescape"))


def from_descriptor(number: int) -> str:
    """Read from an inherited file descriptor up to its end."""
    try:
        return _checked(_read(number))
    except OSError as error:
        sentence = f"The file descriptor {number} cannot be read: {error.strerror}."
        raise UsageError("usage", sentence) from None


def from_file(path: str) -> str:
    """Read a file that its owner alone may read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError("usage", f"{path} cannot be read: {error.strerror}.") from None
    try:
        _refuse_public(path, os.fstat(descriptor))
        return from_descriptor(descriptor)
    finally:
        os.close(descriptor)


def from_input(question: str) -> str:
    """Read standard input, or ask when it is a terminal."""
    if sys.stdin is None:
        raise UsageError("usage", "Standard input is closed.")
    return from_prompt(question) if sys.stdin.isatty() else from_descriptor(sys.stdin.fileno())


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _refuse_public(path: str, status: os.stat_result) -> None:
    if status.st_mode & _OTHERS:
        raise UsageError("usage", f"{path} is open to others: run chmod 600 first.")
    if status.st_uid not in {0, os.geteuid()}:
        raise UsageError("usage", f"{path} belongs to somebody else.")


def _read(descriptor: int) -> bytes:
    secret = b""
    while data := os.read(descriptor, MAXIMUM_SECRET_BYTES + 3 - len(secret)):
        secret += data
        if len(secret) > MAXIMUM_SECRET_BYTES + 2:
            break
    return secret


def _checked(secret: bytes) -> str:
    line = secret.removesuffix(b"\n").removesuffix(b"\r")
    if not line:
        raise UsageError("usage", "The secret is empty.")
    if len(line) > MAXIMUM_SECRET_BYTES or b"\0" in line or b"\n" in line:
        sentence = f"A secret is one line of at most {MAXIMUM_SECRET_BYTES} bytes."
        raise UsageError("usage", sentence)
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise UsageError("usage", "The secret is not UTF-8.") from None
