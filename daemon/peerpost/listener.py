"""Events as a blocking iterator, on a connection of its own.

Because no answer to a call travels on it, a listener that is slow holds up nothing else: the
socket's buffer is the bounded queue, and the daemon sees when it is full.
"""

from __future__ import annotations

from time import monotonic, sleep

from peerpost.backoff import delays
from peerpost.connection import Connection
from peerpost.errors import LockedError, NoDaemonError, PeerpostError, TimeoutWaitingError

FAREWELL_SECONDS = 1.0

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from peerpost.client import Client
    from peerpost.subscription import Subscription
    from peerpost.types import Acknowledged, Event, Refused


class Listener:
    """Yield events until closed; `timeout` is in seconds and counts from the beginning."""

    def __init__(
        self,
        client: Client,
        subscription: Subscription,
        timeout: float | None,
        *,
        reconnect: bool,
    ) -> None:
        self._client = client
        self._subscription = subscription
        self._deadline = None if timeout is None else monotonic() + timeout
        self._reconnect = reconnect
        self._connection: Connection | None = None
        self._subscribe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        """Return the next event; raise TimeoutWaitingError, or NoDaemonError without reconnect."""
        while (event := self._subscription.take()) is None:
            if self._connection is None:
                raise StopIteration
            self._receive(self._connection)
        return event

    @property
    def is_open(self) -> bool:
        """Tell whether events may still come."""
        return self._connection is not None

    def ack(self, event: Event) -> Acknowledged | None:
        """Acknowledge an event and all before it; in a queue it alone."""
        return self._client.ack(event)

    def nack(self, event: Event, delay: float | None = None) -> Refused | None:
        """Give an event of a queue back, to come again after `delay` seconds."""
        return self._client.nack(event, delay)

    def close(self) -> None:
        """End the subscription and give back what was read ahead; closing twice is harmless."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                self._say_farewell(connection)
            finally:
                connection.close()

    def _say_farewell(self, connection: Connection) -> None:
        line, soon = self._subscription.farewell(), monotonic() + FAREWELL_SECONDS
        if line is None:
            return
        try:
            connection.send(line, soon)
            while not self._subscription.is_over(connection.receive(soon)):
                pass
        except PeerpostError:
            return  # the daemon takes back everything itself, and counts it

    def _lost(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _receive(self, connection: Connection) -> None:
        try:
            self._subscription.received(connection.receive(self._deadline))
        except NoDaemonError:
            self._lost()
            if not self._reconnect:
                raise
            self._subscribe_again()

    def _subscribe(self) -> None:
        connection = Connection(self._client.path, self._soon())
        try:
            connection.send(self._subscription.request(), self._soon())
            while not self._subscription.active:
                self._subscription.received(connection.receive(self._soon()))
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _subscribe_again(self) -> None:
        for delay in delays():
            left = delay if self._deadline is None else self._deadline - monotonic()
            sleep(max(0.0, min(delay, left)))
            try:
                return self._subscribe()
            except (NoDaemonError, LockedError):
                continue
            except TimeoutWaitingError:
                if self._deadline is not None and monotonic() >= self._deadline:
                    raise
        return None

    def _soon(self) -> float:
        """Return the deadline for connecting and for the answer to the subscription."""
        soon = monotonic() + self._client.timeout
        return soon if self._deadline is None else min(soon, self._deadline)
