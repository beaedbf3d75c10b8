"""The blocking client.

    with Client() as client:
        client.send(to="bob@example.org", text="hello")
        for event in client.listen(consumer="backup-bot"):
            print(event["data"]["text"])
            client.ack(event)

Calls travel on one socket, opened by the first call; each listener has its own. A client is for
one thread at a time.
"""

from __future__ import annotations

from time import monotonic

from peerpost import rpc
from peerpost.connection import Connection
from peerpost.errors import ConnectionLostError
from peerpost.methods import Methods
from peerpost.paths import account as default_account
from peerpost.paths import socket_path as default_socket_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Self

    from peerpost.listener import Listener
    from peerpost.types import Acknowledged, Event, Refused, Start

ANSWER_TIMEOUT = 60.0  # seconds, beyond the `timeout` that a method itself waits


class Client(Methods):
    """Talk to the daemon over its Unix socket; a context manager.

    `account` is one of several that the daemon has, by name; else `$PEERPOST_ACCOUNT`, else the
    only one that the caller may use, or the main one.
    """

    def __init__(
        self,
        socket_path: str | None = None,
        timeout: float = ANSWER_TIMEOUT,
        account: str | None = None,
    ) -> None:
        self.account = account or default_account()
        self.path = socket_path or default_socket_path()
        self.timeout = timeout
        self._connection: Connection | None = None
        self._number = 0
        self._listeners: list[Listener] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and all listeners; a later call opens a new connection."""
        while self._listeners:
            self._listeners.pop().close()
        self._disconnect()

    def call(self, method: str, /, **params: Any) -> Any:  # noqa: ANN401 - what the method returns
        """Call any method by its name and return its result.

        Raise the daemon's error, NoDaemonError, or TimeoutWaitingError after the client's
        `timeout` beyond the method's own. A call is never repeated by itself.
        """
        deadline = monotonic() + self.timeout + waits(params)
        self._number += 1
        line = rpc.request(self._number, method, params, self.account)
        try:
            reply = self._exchange(line, deadline)
        except BaseException:  # an answer that comes later must not meet the next call
            self._disconnect()
            raise
        return rpc.result(reply)

    def listen(
        self,
        *,
        consumer: str | None = None,
        channels: Iterable[str] | None = None,
        kinds: Iterable[str] | None = None,
        from_: Start | int | None = None,
        window: int | None = None,
        ack_seconds: float | None = None,
        max_attempts: int | None = None,
        timeout: float | None = None,
        reconnect: bool = False,
    ) -> Listener:
        """Subscribe, and return an iterator of events.

        A named `consumer` resumes after its acknowledged cursor and gets each event at least once
        until `ack`; at most `window` events come unacknowledged. With `ack_seconds` it is a queue:
        listeners of one name compete, each event is acknowledged alone, comes again when it is
        not in time, and becomes a dead letter after `max_attempts`. A consumer keeps its filters
        and terms: what is not given stays as it was. With `reconnect`, a lost
        daemon is waited for; `timeout` bounds the whole.
        """
        from peerpost.listener import Listener  # noqa: PLC0415 - calls need neither of them
        from peerpost.subscription import Subscription  # noqa: PLC0415

        terms = {"window": window, "ack_seconds": ack_seconds, "max_attempts": max_attempts}
        subscription = Subscription(consumer, channels, kinds, from_, terms, account=self.account)
        listener = Listener(self, subscription, timeout, reconnect=reconnect)
        self._listeners = [earlier for earlier in self._listeners if earlier.is_open]
        self._listeners.append(listener)
        return listener

    def ack(self, event: Event) -> Acknowledged | None:
        """Acknowledge an event and all before it, in a queue it alone; nothing without a name."""
        consumer = event["consumer"]
        return None if consumer is None else self.event_ack(consumer, event["cursor"])

    def nack(self, event: Event, delay: float | None = None) -> Refused | None:
        """Give an event of a queue back, to come again after `delay` seconds."""
        consumer = event["consumer"]
        return None if consumer is None else self.event_nack(consumer, event["cursor"], delay=delay)

    def _exchange(self, line: bytes, deadline: float) -> dict[str, Any]:
        connection = self._sent_again(line, deadline) or self._sent(line, deadline)
        while True:
            reply = rpc.parse(connection.receive(deadline))
            if rpc.answers(reply, self._number):
                return reply

    def _sent(self, line: bytes, deadline: float) -> Connection:
        self._connection = Connection(self.path, deadline)
        self._connection.send(line, deadline)
        return self._connection

    def _sent_again(self, line: bytes, deadline: float) -> Connection | None:
        """Send on the connection of earlier calls, unless the daemon has gone since.

        A line that could not be sent whole was not read whole: sending it anew is no repetition.
        """
        if self._connection is None:
            return None
        try:
            self._connection.send(line, deadline)
        except ConnectionLostError:
            self._disconnect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def waits(params: dict[str, Any]) -> float:
    """Return how many seconds a method was asked to wait."""
    timeout = params.get("timeout")
    return float(timeout) if isinstance(timeout, (int, float)) else 0.0
