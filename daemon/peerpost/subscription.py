"""One subscription to events as a machine without I/O, shared by both clients.

The owner sends `request()` on a connection of its own, hands every line that arrives to
`received()`, and takes events with `take()` until it returns None. After a lost connection it
starts again with `request()`: a named consumer then resumes after its acknowledged cursor, so
nothing is lost and unacknowledged events come again; an unnamed one resumes after the last event
that it was given.
"""

from __future__ import annotations

from collections import deque

from peerpost import rpc
from peerpost.errors import PeerpostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from peerpost.types import Event, Start

MAXIMUM_READY_EVENTS = 1_000  # those that overtake the answer to the subscription
_NUMBER = 1  # the only request on its connection


class Subscription:
    """Turn lines into events of one consumer."""

    def __init__(
        self,
        consumer: str | None = None,
        channels: Iterable[str] | None = None,
        kinds: Iterable[str] | None = None,
        from_: Start | int | None = None,
        terms: Mapping[str, float | None] | None = None,
    ) -> None:
        self.consumer = consumer
        self.active = False
        self._channels = None if channels is None else list(channels)
        self._kinds = None if kinds is None else list(kinds)
        self._from = from_
        self._terms = {} if terms is None else dict(terms)
        self._ready: deque[Event] = deque()

    def request(self) -> bytes:
        """Return the line that subscribes, anew after a lost connection."""
        self.active = False
        self._ready.clear()
        params: dict[str, object] = {
            "consumer": self.consumer,
            "channels": self._channels,
            "kinds": self._kinds,
            "from": self._from,
            **self._terms,
        }
        given = {name: value for name, value in params.items() if value is not None}
        return rpc.request(_NUMBER, "event.subscribe", given)

    def received(self, line: bytes) -> None:
        """Take in a line; raise the daemon's error when the subscription is refused."""
        reply = rpc.parse(line)
        if reply.get("method") == "event":
            self._hold(reply.get("params"))
        elif rpc.answers(reply, _NUMBER):
            self._start(rpc.result(reply))

    def take(self) -> Event | None:
        """Return the next event, or None when more lines are needed."""
        if not self._ready:
            return None
        event = self._ready.popleft()
        if self.consumer is None:
            self._from = event["cursor"]
        return event

    def _start(self, result: object) -> None:
        cursor = result.get("cursor") if isinstance(result, dict) else None
        if not isinstance(cursor, int):
            raise PeerpostError("bad_answer", "The daemon subscribed without naming a cursor.")
        self.active = True
        if not self._ready:  # else an event that is still held would be skipped
            self._from = cursor

    def _hold(self, params: Any) -> None:  # noqa: ANN401 - not yet verified
        if not (
            isinstance(params, dict)
            and isinstance(params.get("cursor"), int)
            and isinstance(params.get("kind"), str)
            and isinstance(params.get("data"), dict)
        ):
            raise PeerpostError("bad_answer", "The daemon sent an event of an unknown form.")
        if len(self._ready) >= MAXIMUM_READY_EVENTS:
            raise PeerpostError("bad_answer", "The daemon sent events without a subscription.")
        params["consumer"] = self.consumer
        self._ready.append(params)  # type: ignore[arg-type]  # its form has just been checked
