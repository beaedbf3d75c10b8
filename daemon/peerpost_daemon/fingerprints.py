"""A list of fingerprints, as configuration management writes it: one card on each line.

    # comment
    bob@example.org  9B04 95FA FCF3 A187 2D30 82F3 4ADA 3E1A 4639 0E95
    bob@example.org  88cffbcad5ca48c6a12f7393b6d5a20c2a511317ee1399fb346cfa4bc4f218f4

The fingerprint is what `peerpost contacts show` prints, or the whole id of the card; case, spaces and colons in it do
not matter. Whoever writes the list decides whom this daemon believes: like known_hosts it holds no secret, and must be
as hard to write to.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from peerpost_daemon.errors import DaemonError
from peerpost_protocol.errors import MalformedError
from peerpost_protocol.identity import normalise

SHORT_BYTES: Final = 20
LONG_BYTES: Final = 32
MAX_LINES: Final = 10_000
MAX_LIST_CHARACTERS: Final = 2 * 1024 * 1024
_HEXADECIMAL: Final = frozenset("0123456789abcdef")


class Listed(Struct, frozen=True):
    """Be a line: an identity, and what the id of one of its cards begins with."""

    identity: str
    fingerprint: bytes


def parse(text: str) -> list[Listed]:
    """Return the lines' fingerprints. Raises DaemonError bad_fingerprint, whose extra `line` counts from 1."""
    return list(_lines(text))


def _lines(text: str) -> Iterator[Listed]:
    for number, line in enumerate(text.split("\n", MAX_LINES), 1):
        if number > MAX_LINES:
            raise _bad(number, f"a list has at most {MAX_LINES} lines")
        content = line.partition("#")[0].split(maxsplit=1)
        if content:
            yield _listed(number, content)


def _listed(number: int, content: list[str]) -> Listed:
    try:
        identity = normalise(content[0])
    except MalformedError as error:
        raise _bad(number, error.detail) from None
    digits = (
        "".join(content[1:]).lower().replace(":", "").replace(" ", "").replace("\t", "").strip()
    )
    if len(digits) not in (2 * SHORT_BYTES, 2 * LONG_BYTES) or not _HEXADECIMAL.issuperset(digits):
        raise _bad(number, f"a fingerprint has {2 * SHORT_BYTES} or {2 * LONG_BYTES} digits")
    return Listed(identity, bytes.fromhex(digits))


def _bad(number: int, detail: str) -> DaemonError:
    message = f"Line {number} of the list: {detail}."
    return DaemonError("bad_fingerprint", message, field="fingerprints", extra={"line": number})
