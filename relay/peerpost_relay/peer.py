"""One connected client: its connection, its session, and what of its is under way."""

import asyncio
from typing import Protocol

from peerpost_protocol.frames import Closing, Refused, RelayFrame, encode_frame
from peerpost_protocol.limits import MAX_DETAIL_CHARACTERS
from peerpost_protocol.refusals import COME_BACK, Refusal
from peerpost_relay.errors import RefusalError
from peerpost_relay.followers import Follower
from peerpost_relay.framing import frame
from peerpost_relay.session import Session

POLICY_VIOLATION = 1008  # RFC 6455 section 7.4.1
TRY_AGAIN_LATER = 1013  # the registry of close codes that section 11.7 makes


class Line(Protocol):
    """Be what a peer is reached by; connection.py has the real one."""

    @property
    def buffered(self) -> int:
        """Count the bytes that were sent and not read yet."""

    def send(self, framed: bytes) -> None:
        """Send framed bytes."""

    def offer(self, framed: bytes, bytes_max: int) -> bool:
        """Send framed bytes unless more than so many are not read yet; return whether they were."""

    def pause_reading(self) -> None:
        """Read no more for now."""

    def resume_reading(self) -> None:
        """Read again."""

    def widen(self) -> None:
        """Take large messages from now on."""

    def close(self, code: int, reason: str = "") -> None:
        """Send what waits, then close."""


class Peer:
    """Be one client; every call is cheap and synchronous."""

    __slots__ = (
        "address", "follower", "gone", "in_flight", "line", "session", "throttled", "timer",
    )  # fmt: skip

    def __init__(self, line: Line, session: Session, address: str | None = None) -> None:
        self.address = address  # what its quotas are counted for, None for this host itself
        self.line = line
        self.session = session
        self.in_flight = 0  # frames that came and were not answered yet
        self.throttled = False  # reading from it is paused
        self.gone = False
        self.follower: Follower | None = None
        self.timer: asyncio.TimerHandle | None = None  # the end of waiting for authentication

    def send(self, answer: RelayFrame) -> int:
        """Send a frame; return how many bytes that are."""
        if self.gone:
            return 0
        framed = frame(encode_frame(answer))
        self.line.send(framed)
        return len(framed)

    def refuse(self, request: int, refusal: RefusalError) -> None:
        """Answer a request with a refusal."""
        self.send(
            Refused(
                request,
                refusal.kind,
                refusal.detail[:MAX_DETAIL_CHARACTERS],
                refusal.field[:MAX_DETAIL_CHARACTERS] if refusal.field else None,
                refusal.subject,
                refusal.kind in COME_BACK,
                refusal.retry_after_ms,
            )
        )

    def close(self, kind: Refusal, detail: str, retry_after_ms: int | None = None) -> None:
        """Say why the session ends, and end it."""
        self.send(Closing(kind, detail, kind in COME_BACK, retry_after_ms))
        code = TRY_AGAIN_LATER if kind in COME_BACK else POLICY_VIOLATION
        self.line.close(code, kind)
        self.leave()

    def leave(self) -> None:
        """Take no part any more."""
        self.gone = True
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def throttle(self) -> None:
        """Read no more from the client for now."""
        if not self.throttled and not self.gone:
            self.throttled = True
            self.line.pause_reading()

    def relieve(self) -> None:
        """Read from the client again."""
        if self.throttled and not self.gone:
            self.throttled = False
            self.line.resume_reading()
