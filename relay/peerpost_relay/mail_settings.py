"""How the relay sends mail: the section `mail` of the configuration, and what must hold of it together."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from peerpost_protocol.configuration import Live, Seconds
from peerpost_relay.errors import ConfigurationError

PASSWORD_BYTES_MAX = 1_024
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"  # of systemd: LoadCredential=

Positive = Annotated[int, Meta(gt=0)]
Line = Annotated[str, Meta(max_length=254, pattern=r"^[^\r\n]*\Z")]

TEXT = """Somebody, probably you, wants to use {identity} with peerpost.

The code is {code}

It holds for {minutes} minutes and for one device:

    peerpost prove {code}

If that was not you, ignore this mail. Whoever asks you for the code is not from peerpost.
"""

_SENDER = re.compile(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+")


class MailSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say how codes that prove identities are mailed; without `host` this relay sends none."""

    host: Live[Line] = ""  # the SMTP server; whether mail is sent at all changes at a restart
    port: Live[Annotated[int, Meta(ge=1, le=65_535)]] = 587  # 465 for tls
    # starttls: the session must be upgraded; tls: from the first byte; plain: a trusted path only
    security: Live[Literal["starttls", "tls", "plain"]] = "starttls"
    ca_file: Live[Path | None] = None  # certificates to trust instead of the system's
    username: Live[Line] = ""  # to log in with; empty: no login
    password_file: Live[Path | None] = (
        None  # its first line; a bare name is one of systemd's credentials
    )
    sender: Live[Line] = ""  # the address in From, and of the envelope
    # {code}, {identity} and {minutes} are replaced, here and in `text`
    subject: Live[Line] = "{code} is your code for peerpost"
    text: Live[Annotated[str, Meta(max_length=8_192)]] = TEXT  # {code} must be in it
    timeout_seconds: Live[Seconds] = 30.0  # of one attempt to hand a mail over
    attempts_max: Live[Positive] = 5  # then a mail is given up
    retry_seconds: Live[Seconds] = (
        5.0  # after the first attempt, twice as long after each further one
    )
    queue_max: Positive = 256  # mails that wait; more codes are refused for a while
    code_seconds: Live[Positive] = 900  # a code holds so long
    code_tries: Live[Positive] = 5  # wrong tries; then a code is dead
    codes_per_identity: Live[Positive] = 5  # in an hour, whoever asks for them
    codes_per_card: Live[Positive] = 5  # in an hour
    codes_per_address: Live[Positive] = (
        20  # in an hour: an IPv4 address or an IPv6 network of 64 bits
    )


def check(settings: MailSettings) -> None:
    """Raise ConfigurationError for what does not fit together."""
    if not settings.host:
        return
    if not _SENDER.fullmatch(settings.sender):
        raise ConfigurationError("mail.sender: an address such as peerpost@example.org is expected")
    if "{code}" not in settings.text:
        raise ConfigurationError("mail.text: {code} is not in it")
    if settings.username and settings.password_file is None:
        raise ConfigurationError("mail.password_file: a login needs a password")
    if settings.username and settings.security == "plain" and not _is_loopback(settings.host):
        raise ConfigurationError("mail.security: a password does not go over a plain connection")


def password_of(settings: MailSettings, credentials: Path | None) -> str:
    """Return the password, from its file or from the folder of credentials; raise ConfigurationError."""
    path = settings.password_file
    if path is None:
        return ""
    if path.name == str(path):
        if credentials is None:
            raise ConfigurationError("mail.password_file: there are no credentials; give a path")
        path = credentials / path
    try:
        with path.open("rb") as file:
            found = file.read(PASSWORD_BYTES_MAX + 1)
        first = found.decode().split("\n", 1)[0].removesuffix("\r")
    except OSError as error:
        raise ConfigurationError(f"mail.password_file: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"mail.password_file: {path}: no UTF-8") from None
    if not first or len(found) > PASSWORD_BYTES_MAX:
        raise ConfigurationError(f"mail.password_file: {path}: one line is expected")
    return first


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
