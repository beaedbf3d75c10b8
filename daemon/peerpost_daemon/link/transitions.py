"""The states of a session with the relay, and what leads from one to the next."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class State(Enum):
    """Say what the session waits for."""

    CONNECTED = "connected"
    CHALLENGED = "challenged"
    PUBLISHING = "publishing"
    AUTHENTICATING = "authenticating"
    SUBSCRIBING = "subscribing"
    ONLINE = "online"
    CLOSED = "closed"


class Step(Enum):
    """Name what may happen to a session: what the relay says, and what we do."""

    CHALLENGE = "challenge"
    PROOF = "proof"
    UNKNOWN_CARD = "unknown_card"
    PUBLISHED = "published"
    WELCOME = "welcome"
    REQUEST = "request"
    ANSWER = "answer"
    SUBSCRIBED = "subscribed"
    NEWS = "news"
    END = "end"


TRANSITIONS: Mapping[tuple[State, Step], State] = MappingProxyType(
    {
        (State.CONNECTED, Step.CHALLENGE): State.CHALLENGED,
        (State.CONNECTED, Step.END): State.CLOSED,
        (State.CHALLENGED, Step.PROOF): State.AUTHENTICATING,
        (State.CHALLENGED, Step.END): State.CLOSED,
        (State.AUTHENTICATING, Step.UNKNOWN_CARD): State.PUBLISHING,
        (State.AUTHENTICATING, Step.WELCOME): State.SUBSCRIBING,
        (State.AUTHENTICATING, Step.END): State.CLOSED,
        (State.PUBLISHING, Step.PUBLISHED): State.CHALLENGED,
        (State.PUBLISHING, Step.END): State.CLOSED,
        (State.SUBSCRIBING, Step.REQUEST): State.SUBSCRIBING,
        (State.SUBSCRIBING, Step.ANSWER): State.SUBSCRIBING,
        (State.SUBSCRIBING, Step.SUBSCRIBED): State.ONLINE,
        (State.SUBSCRIBING, Step.END): State.CLOSED,
        (State.ONLINE, Step.REQUEST): State.ONLINE,
        (State.ONLINE, Step.ANSWER): State.ONLINE,
        (State.ONLINE, Step.NEWS): State.ONLINE,
        (State.ONLINE, Step.END): State.CLOSED,
    }
)
