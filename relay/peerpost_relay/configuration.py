"""Everything the operator may set, and where it comes from: options, environment, one TOML file, in this order.

docs/configuration.md is made from the structs.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from peerpost_protocol import configuration
from peerpost_protocol.configuration import Live
from peerpost_protocol.errors import MalformedError
from peerpost_relay.addresses import Proxies
from peerpost_relay.errors import ConfigurationError
from peerpost_relay.mail_settings import MailSettings
from peerpost_relay.settings import EdgeSettings, RelaySettings
from peerpost_relay.tls import TlsSettings, check_plain

PREFIX = "PEERPOST_RELAY_"
FILE_VARIABLE = "PEERPOST_RELAY_CONFIG"
DEFAULT_FILE = Path("/etc/peerpost/relay.toml")
LISTEN_MAX = 16
PORT_MAX = 65_535

Address = Annotated[str, Meta(min_length=1, max_length=280)]


class RelayConfiguration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Be what `peerpost-relay` is started with."""

    data: Path | None = None  # the folder of store and key; one must be named
    # where to listen, as HOST:PORT or unix:/path, unless a service manager passes sockets on;
    # port 0: any free one
    listen: Annotated[tuple[Address, ...], Meta(min_length=1, max_length=LISTEN_MAX)] = (
        "127.0.0.1:8437",
    )
    # the URL at which daemons reach this relay, as wss://HOST[:PORT]; invitations name it
    address: Live[Address | None] = None
    # where GET /metrics is answered, as HOST:PORT or unix:/path; none: nowhere. It asks nobody who he is
    metrics: Address | None = None
    # false: start also when the clock seems far off, judged by when the store was last written
    check_clock: bool = True
    log_level: Live[Literal["debug", "info", "warning", "error"]] = (
        "info"  # what is logged, and above
    )
    log_format: Live[Literal["text", "json"]] = "text"  # for people, or for machines
    tls: TlsSettings = TlsSettings()
    relay: RelaySettings = RelaySettings()
    edge: EdgeSettings = EdgeSettings()
    mail: MailSettings = MailSettings()


def configured(
    file: Path | None, assigned: Iterable[str], environment: Mapping[str, str]
) -> RelayConfiguration:
    """Return the configuration; raise ConfigurationError that names file and setting."""
    path = file or _file_of(environment)
    try:
        found = configuration.read(
            RelayConfiguration,
            _contents(path, needed=file is not None or FILE_VARIABLE in environment),
            prefix=PREFIX,
            environment=environment,
            reserved={FILE_VARIABLE},
            assigned=assigned,
        )
    except MalformedError as error:
        named = f"{error.field}: " if error.field else ""
        raise ConfigurationError(
            f"configuration ({path}, environment, options): {named}{error.detail}"
        ) from None
    _check(found)
    return found


def _check(found: RelayConfiguration) -> None:
    """Raise ConfigurationError for what does not fit together."""
    for text in found.listen:
        check_plain(address_of(text)[0], found.tls)
    if found.metrics is not None:
        address_of(found.metrics)
    if found.tls.key is not None and found.tls.certificate is None:
        raise ConfigurationError("tls.certificate: a key needs its certificate")
    try:
        Proxies(found.edge.proxies)
    except ValueError as error:
        raise ConfigurationError(f"edge.proxies: {error}") from None


def address_of(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, or (`unix:/path`, 0); raise ConfigurationError."""
    if text.startswith("unix:/"):
        return text, 0
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > PORT_MAX:
        raise ConfigurationError(f"listen: HOST:PORT or unix:/path is expected, not {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _file_of(environment: Mapping[str, str]) -> Path:
    return Path(environment.get(FILE_VARIABLE) or DEFAULT_FILE)


def _contents(path: Path, *, needed: bool) -> bytes:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            configuration.check_owner(status.st_mode, status.st_uid, os.geteuid())
            return file.read(configuration.MAX_CONFIGURATION + 1)
    except FileNotFoundError:
        if needed:
            raise ConfigurationError(f"configuration: there is no file {path}") from None
        return b""
    except OSError as error:
        raise ConfigurationError(f"configuration: {path}: {error.strerror}") from None
