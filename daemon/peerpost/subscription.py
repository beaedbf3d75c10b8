"""One subscription to events as a machine without I/O, shared by both clients.

The owner sends `request()` on a connection of its own, hands every line that arrives to
`received()`, and takes events with `take()` until it returns None. After a lost connection it
starts again with `request()`: a named consumer then resumes after its acknowledged cursor, so
nothing is lost and unacknowledged events come again; an unnamed one resumes after the last event
that it was given. Who ends it of his own will sends `farewell()` and reads on until `is_over`: of
a queue, what was read ahead and never taken then goes back without counting as an attempt.
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
MAXIMUM_TAKEN = 1_000  # as many as a window may have; older ones have been answered for
_NUMBER = 1
_LAST_NUMBER = 2  # of the request that ends it


class Subscription:
    """Turn lines into events of one consumer."""

    def __init__(
        self,
        consumer: str | None = None,
        channels: Iterable[str] | None = None,
        kinds: Iterable[str] | None = None,
        from_: Start | int | None = None,
        terms: Mapping[str, float | None] | None = None,
        *,
        account: str | None = None,
    ) -> None:
        self._account = account
        self.consumer = consumer
        self.active = False
        self._channels = None if channels is None else list(channels)
        self._kinds = None if kinds is None else list(kinds)
        self._from = from_
        self._terms = {} if terms is None else dict(terms)
        self._ready: deque[Event] = deque()
        self._taken: deque[int] = deque(maxlen=MAXIMUM_TAKEN)
        self._subscription: int | None = None

    def request(self) -> bytes:
        """Return the line that subscribes, anew after a lost connection."""
        self.active = False
        self._ready.clear()
        self._taken.clear()
        params: dict[str, object] = {
            "consumer": self.consumer,
            "channels": self._channels,
            "kinds": self._kinds,
            "from": self._from,
            **self._terms,
        }
        given = {name: value for name, value in params.items() if value is not None}
        return rpc.request(_NUMBER, "event.subscribe", given, self._account)

    def farewell(self) -> bytes | None:
        """Return the line that ends the subscription and gives back what was read ahead; None if nothing can be."""
        if self.consumer is None or not self.active or self._subscription is None:
            return None
        params = {"subscription": self._subscription, "taken": list(self._taken)}
        return rpc.request(_LAST_NUMBER, "event.unsubscribe", params, self._account)

    def is_over(self, line: bytes) -> bool:
        """Tell whether a line answers the farewell."""
        return rpc.answers(rpc.parse(line), _LAST_NUMBER)

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
        self._taken.append(event["cursor"])
        if self.consumer is None:
            self._from = event["cursor"]
        return event

    def _start(self, result: object) -> None:
        cursor = result.get("cursor") if isinstance(result, dict) else None
        if not isinstance(cursor, int):
            raise PeerpostError("bad_answer", "The daemon subscribed without naming a cursor.")
        number = result.get("subscription") if isinstance(result, dict) else None
        self._subscription = number if isinstance(number, int) else None
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
