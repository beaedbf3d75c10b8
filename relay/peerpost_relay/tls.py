"""The relay's TLS: certificate and key from files, checked before they are used, taken anew when the files change.

Attacker: whoever is on the path, and whoever can read the key. Without TLS the path sees which cards talk and when, so
plain `ws://` is refused on addresses that others can reach. A key that everybody may read is refused.

What a certificate says of itself is asked by a handshake with it in memory: no parser of ours, and what the relay
accepts is what clients will accept. New files make a whole new context; connections that begin later get it through the
SNI callback, the only place where a listening socket can be given another one. A context that fails replaces nothing.
"""

import asyncio
import ipaddress
import logging
import os
import ssl
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from peerpost_protocol.configuration import Live, Seconds
from peerpost_relay.errors import ConfigurationError, SetupError

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"  # of systemd: LoadCredential=
WARN_DAYS = 14
DAY_SECONDS = 86_400
MAX_TURNS = 8  # of a handshake in memory; TLS 1.3 needs three

_EXPIRED, _NOT_YET = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID

log = logging.getLogger(__name__)


class TlsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say by which certificate the TCP addresses speak TLS; Unix sockets never do."""

    # a PEM file: the certificate, then those between it and its authority; a bare name is one of systemd's
    # credentials; without one the relay speaks plain ws://; whether it speaks TLS at all changes at a restart
    certificate: Live[Path | None] = None
    # a PEM file, without a passphrase; none: the key stands in `certificate`
    key: Live[Path | None] = None
    # plain ws:// also on addresses that other hosts can reach: a proxy on another host ends TLS
    allow_plain: bool = False
    # between two looks whether the files changed
    check_seconds: Live[Seconds] = 60.0


class Certificate(Struct, frozen=True):
    """Be a certificate that was loaded with its key; times in seconds since the epoch."""

    context: ssl.SSLContext
    ends_at: float
    names: tuple[str, ...]

    def days_left(self, now: float) -> int:
        """Return how many whole days it is valid for."""
        return int((self.ends_at - now) // DAY_SECONDS)


def load(settings: TlsSettings, environment: Mapping[str, str] = os.environ) -> Certificate:
    """Return the certificate, checked; raise SetupError with one sentence that says what to do."""
    certificate, key = files_of(settings, environment)
    for path in (certificate, key):
        _check_file(path)
    _refuse_public(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except ssl.SSLError as error:
        raise SetupError(_why(error, certificate, key)) from None
    ends_at, names = _presented(context, certificate)
    return Certificate(context, ends_at, names)


def files_of(settings: TlsSettings, environment: Mapping[str, str]) -> tuple[Path, Path]:
    """Return where certificate and key are; raise ConfigurationError."""
    assert settings.certificate is not None
    certificate = _place(settings.certificate, environment)
    return certificate, _place(settings.key, environment) if settings.key else certificate


def expiry_warning(certificate: Certificate, now: float) -> str | None:
    """Return a sentence about a certificate that will soon end."""
    days = certificate.days_left(now)
    if days < 0:
        return "the certificate has expired: no client connects until it is renewed"
    return f"the certificate expires in {days} days: renew it" if days < WARN_DAYS else None


class Tls:
    """Hold the certificate in use, and the context that listeners are given."""

    def __init__(
        self,
        settings: TlsSettings,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raise SetupError when the files cannot be used."""
        self._settings = settings
        self._environment = dict(environment)
        self._clock = clock
        self._stamp = self._look()
        self.certificate = load(settings, environment)
        self.context = self.certificate.context
        self.context.sni_callback = self._choose
        self._warned_at = 0.0
        self._warn()

    def reload(self) -> str | None:
        """Take the files anew; return why they cannot be used, and keep what there is then."""
        self._stamp = self._look()
        try:
            self._take(load(self._settings, self._environment))
        except SetupError as error:
            log.error("the certificate in use stays: %s", error)  # noqa: TRY400  the sentence says it all
            return str(error)
        return None

    def apply(self, settings: TlsSettings, certificate: Certificate) -> None:
        """Go by other settings from now on, and by a certificate that was loaded by them."""
        self._settings = settings
        self._stamp = self._look()
        self._take(certificate)

    def _take(self, certificate: Certificate) -> None:
        self.certificate = certificate
        log.info("the certificate was loaded; %d days left", certificate.days_left(self._clock()))
        self._warned_at = 0.0
        self._warn()

    def check(self) -> None:
        """Reload when a file has changed; warn once a day when the certificate will soon end."""
        if self._look() != self._stamp:
            self.reload()
        self._warn()

    async def watch(self) -> None:
        """Check for ever."""
        while True:
            await asyncio.sleep(self._settings.check_seconds)
            self.check()

    def _choose(self, asked: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        asked.context = self.certificate.context

    def _warn(self) -> None:
        now = self._clock()
        warning = expiry_warning(self.certificate, now)
        if warning is not None and now - self._warned_at >= DAY_SECONDS:
            self._warned_at = now
            log.warning("%s", warning)

    def _look(self) -> tuple[tuple[int, ...], ...]:
        """Return what changes when a file, or what its link leads to, is replaced or written."""
        return tuple(_stamp(path) for path in files_of(self._settings, self._environment))


def check_plain(host: str, settings: TlsSettings) -> None:
    """Raise ConfigurationError when others could reach an address at which we would speak plain ws://."""
    if settings.certificate is None and not settings.allow_plain and not is_local(host):
        raise ConfigurationError(
            f"listen: {host} can be reached by other hosts without TLS: set tls.certificate and tls.key, "
            "or tls.allow_plain where a proxy ends TLS"
        )


def is_local(host: str) -> bool:
    """Tell whether only this host can reach an address to listen on."""
    if host.startswith("unix:") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _place(path: Path, environment: Mapping[str, str]) -> Path:
    if path.name != str(path):
        return path
    folder = environment.get(CREDENTIALS_VARIABLE)
    if not folder:
        raise ConfigurationError(f"tls: there are no credentials, so give {path} as a whole path")
    return Path(folder) / path


def _check_file(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise SetupError(
            f"the TLS file {path} cannot be read ({error.strerror}): "
            "name it in the section tls, and let the relay's user read it"
        ) from None


def _refuse_public(key: Path) -> None:
    if stat.S_IMODE(key.stat().st_mode) & 0o007:
        raise SetupError(f"everybody may read the TLS key {key}: run chmod o= {key}")


def _no_passphrase() -> str:
    """Answer instead of the terminal, where OpenSSL would ask."""
    return ""


def _why(error: ssl.SSLError, certificate: Path, key: Path) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the TLS key {key} does not fit the certificate {certificate}: name the key that it was made for"
    return (
        f"{certificate} and {key} are no certificate and key in PEM without a passphrase "
        f"({error.reason or 'unreadable'})"
    )


def _presented(context: ssl.SSLContext, path: Path) -> tuple[float, tuple[str, ...]]:
    """Return when the certificate that a context presents ends, and for which hosts it is."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    trusting.load_verify_locations(path)
    try:
        shown = _shake(context, trusting)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _EXPIRED:
            raise SetupError(f"the certificate {path} has expired: renew it") from None
        if error.verify_code == _NOT_YET:
            raise SetupError(
                f"the certificate {path} is not valid yet: look at the clock"
            ) from None
        raise SetupError(f"clients will refuse {path}: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise SetupError(f"clients will refuse {path}: {error.reason}") from None
    assert shown is not None
    names = tuple(value for _, value in shown.get("subjectAltName", ()))
    return ssl.cert_time_to_seconds(str(shown["notAfter"])), names


def _shake(server: ssl.SSLContext, client: ssl.SSLContext) -> "dict[str, Any] | None":
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(MAX_TURNS):
        done = [_step(side) for side in (asking, answering)]
        if all(done):
            break
    return asking.getpeercert()


def _step(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
