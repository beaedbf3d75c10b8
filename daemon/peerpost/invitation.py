"""Invitations of a relay's operator: where the relay is, its key, and the permission to join.

    peerpost://join?relay=URL&key=HEX&token=TOKEN

Who attacks this: whoever hands the line over. Nothing of it is run or opened here; the daemon checks address, key and
token as it checks them from anybody.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from peerpost.errors import UsageError

MAX_CHARACTERS = 2048
MAX_FIELDS = 16
_KEY = re.compile(r"[0-9a-f]{64}\Z")


class Invitation(NamedTuple):
    """Be what an invitation says."""

    relay: str
    key: str
    token: str

    def __repr__(self) -> str:
        """Show no token."""
        return f"Invitation({self.relay!r}, {self.key!r})"


def read(text: str) -> Invitation:
    """Return what the line says; unknown parts are passed over. Raises UsageError, which repeats none of it."""
    if len(text) > MAX_CHARACTERS or not text.isascii() or not text.isprintable():
        raise _wrong(f"it is one line of at most {MAX_CHARACTERS} characters")
    try:
        parts = urlsplit(text.strip())
        fields = parse_qsl(parts.query, strict_parsing=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise _wrong("its parts cannot be read") from None
    if (parts.scheme, parts.netloc, parts.path) != ("peerpost", "join", ""):
        raise _wrong("it begins with peerpost://join?")
    found = dict(fields)
    if len(found) != len(fields):
        raise _wrong("a part stands in it twice")
    missing = [name for name in ("relay", "key", "token") if not found.get(name)]
    if missing:
        raise _wrong(f"{' and '.join(missing)} is not in it")
    if not _KEY.match(found["key"]):
        raise _wrong("a relay's key is 64 hexadecimal digits")
    return Invitation(found["relay"], found["key"], found["token"])


def _wrong(why: str) -> UsageError:
    return UsageError("usage", f"That is no invitation: {why}.")
