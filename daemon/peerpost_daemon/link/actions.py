"""What a session with the relay asks its shell to do next."""

from typing import TypeAlias

from msgspec import Struct

from peerpost_daemon.link.requests import AnswerFrame, NewsFrame
from peerpost_protocol.frames import Refused, Subscribed, Welcome


class Ending(Struct, frozen=True):
    """Say why a session ended. `terminal`: trying again with the same credentials is no use."""

    kind: str
    detail: str
    terminal: bool = False
    come_back: bool = True
    retry_after_ms: int | None = None
    subject: bytes | None = None


class Send(Struct, frozen=True):
    """Send these bytes."""

    data: bytes


class Answered(Struct, frozen=True):
    """Hand the answer to whoever holds the ticket."""

    ticket: object
    answer: AnswerFrame | Refused


class News(Struct, frozen=True):
    """Hand on what the relay says unasked; `size` is the frame's bytes."""

    frame: NewsFrame
    size: int


class Ended(Struct, frozen=True):
    """Close the connection."""

    ending: Ending


Action: TypeAlias = Send | Welcome | Subscribed | Answered | News | Ended
"""What the shell does next. `Welcome`: subscribe from the cursors. `Subscribed`: take in the states."""
