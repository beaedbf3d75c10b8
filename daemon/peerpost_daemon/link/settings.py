"""What a link is told from outside: where the relay is, its bounds, and who we are."""

import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from peerpost_daemon.link.errors import AddressError
from peerpost_protocol.card import Card, DeviceKeys

REQUEST_SECONDS = 30.0
AGENT = "peerpost"
_MIB = 1024 * 1024


@dataclass(frozen=True)
class LinkSettings:
    """Hold the relay's URL and every bound of the link; times in seconds.

    A dead path is noticed after at most ping_interval + ping_timeout + close_seconds.
    """

    url: str
    allow_plain: bool = False
    ca_file: Path | None = None
    """Authorities to trust instead of the system's."""
    agent: str = AGENT
    open_timeout: float = 10.0
    ping_interval: float = 1.5
    ping_timeout: float = 2.5
    close_seconds: float = 0.5
    request_seconds: float = REQUEST_SECONDS
    watch_interval: float = 0.5
    first_delay: float = 0.5
    longest_delay: float = 30.0
    longest_retry_after: float = 300.0
    """A relay may ask for patience, but not for ever."""
    steady_seconds: float = 10.0
    """A session that was online this long, or as long as the next delay may be, begins the back-off anew."""
    max_unsent_bytes: int = _MIB
    """A request is taken while no more than this waits in the socket's buffer."""
    max_held_bytes: int = 32 * _MIB
    """Frames held back while the observer takes in a new subscription."""


@dataclass(frozen=True)
class Credentials:
    """Hold who we are and which relay we know; `repr` shows no secret."""

    card: Card
    keys: DeviceKeys
    token: str | None = field(default=None, repr=False)
    relay_key: bytes | None = None
    code: str | None = field(default=None, repr=False)


def check_address(settings: LinkSettings) -> None:
    """Raise AddressError unless the URL names a relay that may be spoken to like this."""
    parts = _parts(settings.url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise AddressError("bad_address", "a relay's URL is wss://HOST[:PORT][/PATH]")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressError("bad_address", "a relay's URL holds no user, password or fragment")
    if parts.scheme == "ws" and not settings.allow_plain and not _is_loopback(parts.hostname):
        raise AddressError("plain_address", "ws:// is for this machine; use wss://")


def check_authorities(settings: LinkSettings) -> None:
    """Raise AddressError unless the file of authorities holds certificates."""
    if settings.ca_file is None:
        return
    try:
        ssl.create_default_context(cafile=settings.ca_file)
    except ssl.SSLError:
        raise AddressError(
            "bad_authorities", f"{settings.ca_file}: no certificate in PEM"
        ) from None
    except OSError as error:
        raise AddressError("bad_authorities", f"{settings.ca_file}: {error.strerror}") from None


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  reading it is what checks it
        (parts.hostname or "").encode("idna")
    except ValueError:
        raise AddressError("bad_address", "the relay's URL cannot be read") from None
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
