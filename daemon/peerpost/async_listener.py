"""Events as an asynchronous iterator, on a connection of its own.

Because no answer to a call travels on it, a loop that is slow holds up nothing else: at most
twice READ_BYTES are read ahead, then the daemon feels that the socket is full.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from peerpost.async_connection import AsyncConnection
from peerpost.backoff import delays
from peerpost.errors import LockedError, NoDaemonError, PeerpostError, TimeoutWaitingError
from peerpost.listener import FAREWELL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from peerpost.async_client import AsyncClient
    from peerpost.subscription import Subscription
    from peerpost.types import Acknowledged, Event, Refused


class AsyncListener:
    """Yield events until closed; subscribed once entered, or by the first event asked for."""

    def __init__(
        self,
        client: AsyncClient,
        subscription: Subscription,
        timeout: float | None,
        *,
        reconnect: bool,
    ) -> None:
        self._client = client
        self._subscription = subscription
        self._timeout = timeout
        self._deadline: float | None = None
        self._reconnect = reconnect
        self._connection: AsyncConnection | None = None
        self._started = False

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Return the next event; raise TimeoutWaitingError, or NoDaemonError without reconnect."""
        if not self._started:
            await self._start()
        while (event := self._subscription.take()) is None:
            if self._connection is None:
                raise StopAsyncIteration
            await self._before_deadline(self._receive(self._connection))
        return event

    @property
    def is_open(self) -> bool:
        """Tell whether events may still come."""
        return self._connection is not None or not self._started

    async def ack(self, event: Event) -> Acknowledged | None:
        """Acknowledge an event and all before it; in a queue it alone."""
        return await self._client.ack(event)

    async def nack(self, event: Event, delay: float | None = None) -> Refused | None:
        """Give an event of a queue back, to come again after `delay` seconds."""
        return await self._client.nack(event, delay)

    async def close(self) -> None:
        """End the subscription and give back what was read ahead; closing twice is harmless."""
        self._started = True
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await self._say_farewell(connection)
            finally:
                await connection.close()

    async def _say_farewell(self, connection: AsyncConnection) -> None:
        line = self._subscription.farewell()
        if line is None:
            return
        with suppress(PeerpostError, TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await connection.send(line)
                while not self._subscription.is_over(await connection.receive()):
                    pass

    async def _start(self) -> None:
        if self._started:
            return
        self._started = True
        if self._timeout is not None:
            self._deadline = asyncio.get_running_loop().time() + self._timeout
        await self._before_deadline(self._subscribe())

    async def _receive(self, connection: AsyncConnection) -> None:
        try:
            self._subscription.received(await connection.receive())
        except NoDaemonError:
            await connection.close()
            if not self._reconnect:
                self._connection = None
                raise
            await self._subscribe_again()

    async def _subscribe(self) -> None:
        try:
            async with asyncio.timeout(self._client.timeout):
                self._connection = await self._subscribed()
        except TimeoutError:
            raise TimeoutWaitingError("timeout", "The daemon did not answer in time.") from None

    async def _subscribed(self) -> AsyncConnection:
        connection = await AsyncConnection.open(self._client.path)
        try:
            await connection.send(self._subscription.request())
            while not self._subscription.active:
                self._subscription.received(await connection.receive())
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _subscribe_again(self) -> None:
        for delay in delays():
            await asyncio.sleep(delay)
            try:
                return await self._subscribe()
            except (NoDaemonError, LockedError, TimeoutWaitingError):
                continue
        return None

    async def _before_deadline(self, step: Coroutine[object, object, None]) -> None:
        try:
            async with asyncio.timeout_at(self._deadline):
                await step
        except TimeoutError:
            await self.close()
            raise TimeoutWaitingError("timeout", "The time to listen has passed.") from None
