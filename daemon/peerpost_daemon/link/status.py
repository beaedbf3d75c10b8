"""What the link says of itself."""

from dataclasses import dataclass
from enum import StrEnum

from peerpost_protocol.frames import Attestation


class LinkState(StrEnum):
    """Say where the link stands.

    OFF: not running. WAITING: it tries again by itself. REFUSED: it does not, until told to or given other credentials.
    """

    OFF = "off"
    CONNECTING = "connecting"
    ONLINE = "online"
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass(frozen=True)
class LinkFault:
    """Say why the last session or try ended: a kind for programs, a sentence for people, a card it is about."""

    kind: str
    detail: str
    subject: bytes | None = None


@dataclass(frozen=True)
class LinkStatus:
    """Say how the link is now.

    `clock_skew_ms`: the relay's clock minus ours when it last challenged us. `heard_ago_ms`: since the last bytes
    of the relay, keepalive included, None when none ever came. `down_ms`: since it was last online, None while it is.
    """

    state: LinkState
    since_ms: int
    url: str
    last_error: LinkFault | None = None
    retry_in_ms: int | None = None
    round_trip_ms: float | None = None
    clock_skew_ms: int | None = None
    attestation: Attestation | None = None
    heard_ago_ms: int | None = None
    down_ms: int | None = None
