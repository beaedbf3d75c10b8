"""Concurrent calls multiplexed on one connection: answers find their calls by number."""

from __future__ import annotations

import asyncio
from typing import Any

from peerpost import rpc
from peerpost.async_connection import AsyncConnection
from peerpost.connection import connection_lost
from peerpost.errors import PeerpostError

MAXIMUM_CALLS = 64  # in flight on one connection, as many as a daemon works on; others wait


class AsyncCalls:
    """The calls in flight on one connection, and the task that reads their answers."""

    def __init__(self, connection: AsyncConnection, account: str | None = None) -> None:
        self._connection = connection
        self._account = account
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self._turns = asyncio.Semaphore(MAXIMUM_CALLS)
        self._reading = asyncio.create_task(self._read(), name="peerpost answers")

    @property
    def is_open(self) -> bool:
        """Tell whether answers may still come."""
        return not self._reading.done()

    async def call(self, method: str, params: dict[str, Any]) -> Any:  # noqa: ANN401
        """Return the result of a call, or raise its error."""
        async with self._turns:
            if not self.is_open:
                raise connection_lost()
            self._number += 1
            number = self._number
            line = rpc.request(number, method, params, self._account)
            answer = self._waiting[number] = asyncio.get_running_loop().create_future()
            try:
                await self._connection.send(line)
                return rpc.result(await answer)
            finally:
                del self._waiting[number]
                if not answer.cancel() and not answer.cancelled():
                    answer.exception()  # seen here: sending may have failed at the same time

    async def close(self) -> None:
        """Stop reading, fail what still waits, close the connection."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._fail(connection_lost())
        await self._connection.close()

    async def _read(self) -> None:
        try:
            while True:
                self._answer(rpc.parse(await self._connection.receive()))
        except PeerpostError as error:
            self._fail(error)

    def _answer(self, reply: dict[str, Any]) -> None:
        if reply.get("id") is None and "error" in reply:  # about a line without a readable id
            rpc.result(reply)
        number = reply.get("id")
        answer = self._waiting.get(number) if isinstance(number, int) else None
        if answer is not None and not answer.done():
            answer.set_result(reply)

    def _fail(self, error: PeerpostError) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)
