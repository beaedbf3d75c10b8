"""An event on its way through a hook, and what can become of it."""

from typing import Any, Final, Protocol

from msgspec import Raw, Struct
from msgspec import json as codec

MAX_VALUE_CHARACTERS: Final = 1_000  # of a variable
_OF_A_MESSAGE: Final = {
    "MESSAGE": "message",
    "CHANNEL": "channel",
    "CHANNEL_NAME": "channel_name",
    "FROM": "from",
    "TYPE": "kind",
    "MEDIA_TYPE": "media_type",
}


class HookEvent(Struct, frozen=True):
    """Be what a hook is given: the parameters of an `event` notification but for the subscription."""

    cursor: int
    kind: str
    at_ms: int
    attempt: int | None
    data: Raw

    def encoded(self) -> bytes:
        """Return it as JSON."""
        return codec.encode(self)

    def variables(self) -> dict[str, str]:
        """Return what identifies it, for the environment of a program; `peerpost/handling.py` tells the same."""
        told: dict[str, object] = {"KIND": self.kind, "CURSOR": self.cursor}
        told["ATTEMPT"] = self.attempt or 1
        if self.kind == "message":
            data: dict[str, Any] = codec.decode(self.data)
            told |= {name: data.get(key) for name, key in _OF_A_MESSAGE.items()}
        named = {name: value for name, value in told.items() if value is not None}
        return {f"PEERPOST_{name}": _value(value) for name, value in named.items()}


class Failure(Struct, frozen=True):
    """Say why an event was not done with, and, where the other side says so, when to try again."""

    reason: str
    retry_after: float | None = None


class Action(Protocol):
    """Do with an event what the hook is for."""

    async def __call__(self, event: HookEvent) -> Failure | None:
        """Return None when it is done with; never raise for what the other side does."""


def _value(value: object) -> str:
    text = str(value)[:MAX_VALUE_CHARACTERS].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text.encode("utf-8", "replace").decode()
