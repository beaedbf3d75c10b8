"""The client for asyncio: the methods of the blocking one as coroutines.

    async with AsyncClient() as client:
        await client.send(to="bob@example.org", text="hello")
        async with client.listen(consumer="backup-bot") as events:
            async for event in events:
                await client.ack(event)

Concurrent calls share one connection, opened by the first; each listener has its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from peerpost.async_calls import AsyncCalls
from peerpost.async_connection import AsyncConnection
from peerpost.async_listener import AsyncListener
from peerpost.client import ANSWER_TIMEOUT, waits
from peerpost.errors import TimeoutWaitingError
from peerpost.methods import Methods
from peerpost.paths import account as default_account
from peerpost.paths import socket_path as default_socket_path
from peerpost.subscription import Subscription

if TYPE_CHECKING:
    from collections.abc import Iterable

    from peerpost.types import Acknowledged, Event, Refused, Start


class AsyncClient(Methods):
    """Talk to the daemon over its Unix socket; an asynchronous context manager."""

    def __init__(
        self,
        socket_path: str | None = None,
        timeout: float = ANSWER_TIMEOUT,
        account: str | None = None,
    ) -> None:
        self.account = account or default_account()
        self.path = socket_path or default_socket_path()
        self.timeout = timeout
        self._calls: AsyncCalls | None = None
        self._opening = asyncio.Lock()
        self._listeners: list[AsyncListener] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection and all listeners; a later call opens a new connection."""
        while self._listeners:
            await self._listeners.pop().close()
        calls, self._calls = self._calls, None
        if calls is not None:
            await calls.close()

    async def call(self, method: str, /, **params: Any) -> Any:  # noqa: ANN401
        """Call any method by its name and return its result.

        Raise the daemon's error, NoDaemonError, or TimeoutWaitingError after the client's
        `timeout` beyond the method's own. A call is never repeated by itself.
        """
        try:
            async with asyncio.timeout(self.timeout + waits(params)):
                calls = await self._open()
                return await calls.call(method, params)
        except TimeoutError:
            raise TimeoutWaitingError("timeout", "The daemon did not answer in time.") from None

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
    ) -> AsyncListener:
        """Return an asynchronous iterator of events; see Client.listen.

        It is subscribed once entered with `async with`, or by the first event asked for.
        """
        terms = {"window": window, "ack_seconds": ack_seconds, "max_attempts": max_attempts}
        subscription = Subscription(consumer, channels, kinds, from_, terms, account=self.account)
        listener = AsyncListener(self, subscription, timeout, reconnect=reconnect)
        self._listeners = [earlier for earlier in self._listeners if earlier.is_open]
        self._listeners.append(listener)
        return listener

    async def ack(self, event: Event) -> Acknowledged | None:
        """Acknowledge an event and all before it, in a queue it alone; nothing without a name."""
        consumer = event["consumer"]
        return None if consumer is None else await self.event_ack(consumer, event["cursor"])

    async def nack(self, event: Event, delay: float | None = None) -> Refused | None:
        """Give an event of a queue back, to come again after `delay` seconds."""
        consumer, cursor = event["consumer"], event["cursor"]
        return None if consumer is None else await self.event_nack(consumer, cursor, delay=delay)

    async def _open(self) -> AsyncCalls:
        async with self._opening:
            if self._calls is not None and not self._calls.is_open:
                await self._calls.close()
                self._calls = None
            if self._calls is None:
                self._calls = AsyncCalls(await AsyncConnection.open(self.path), self.account)
            return self._calls
