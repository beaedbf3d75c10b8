"""`peerpost-relay invite`: one line that holds all a daemon needs to join, as text and as a QR code.

    peerpost://join?relay=wss%3A%2F%2Frelay.example.org&key=<64 hexadecimal digits>&token=pp_…

Attacker: whoever sees the line before its uses are spent can publish a card of an identity that its pattern fits, as
with the token alone; whoever can change it can name a relay of theirs. It travels as a genuine secret.
The key in it lets the daemon refuse any other relay from the first word on, where it would believe the first it meets.
"""

import os
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import segno

from peerpost_relay.administration import Permission, make_token
from peerpost_relay.data_folder import DataFolder
from peerpost_relay.errors import ConfigurationError, SetupError
from peerpost_relay.tls import is_local

SCHEME = "peerpost"
ADDRESS_CHARACTERS_MAX = 1_024
QR_BORDER = 2
QR_PIXELS = 8  # a square


def invite(data: Path, address: str, permission: Permission, png: Path | None) -> None:
    """Make a token and print its invitation; raise ConfigurationError, SetupError or MalformedError."""
    check_address(address)
    if png is not None and os.path.lexists(png):
        raise SetupError(f"{png} is there already")
    key = DataFolder(data).key().public
    text = invitation(address, key, make_token(data, permission))
    code = segno.make(text, micro=False, error="m")
    print(text)  # noqa: T201
    if sys.stdout.isatty():
        code.terminal(border=QR_BORDER, compact=True)
    if png is not None:
        _write(png, code)


def invitation(address: str, key: bytes, token: str) -> str:
    """Return the line; docs/protocol/invitation.md is its specification."""
    return f"{SCHEME}://join?relay={quote(address, safe='')}&key={key.hex()}&token={token}"


def check_address(address: str) -> None:
    """Raise ConfigurationError unless daemons will connect to this address."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        parts.port  # noqa: B018  reading it is what checks it
    except ValueError:
        host = ""
    if not host or len(address) > ADDRESS_CHARACTERS_MAX or "@" in parts.netloc or parts.fragment:
        raise ConfigurationError(f"address: wss://HOST[:PORT] is expected, not {address!r}")
    if parts.scheme != "wss" and not (parts.scheme == "ws" and is_local(host)):
        raise ConfigurationError("address: daemons connect to wss://, to ws:// on this host only")


def _write(png: Path, code: segno.QRCode) -> None:
    try:
        descriptor = os.open(png, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SetupError(f"{png}: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        code.save(file, kind="png", scale=QR_PIXELS, border=QR_BORDER)
