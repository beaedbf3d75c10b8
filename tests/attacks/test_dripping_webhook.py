"""A receiver of webhooks answers a byte now and then, or without end.

Each byte would begin a deadline of single reads anew, and so a hook would wait as long as its receiver likes, with a
thread of the daemon and the daemon's own end. The deadline is for the whole try, and of an answer the head is enough.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec import Raw

from peerpost_daemon.hooks.event import Failure, HookEvent
from peerpost_daemon.hooks.settings import HookSettings
from peerpost_daemon.hooks.webhook import Webhook

EVENT = HookEvent(7, "message", 1_750_000_000_000, 1, Raw(b'{"text":"hello"}'))
PAUSE_SECONDS = 0.01  # between two bytes
TRY_SECONDS = 0.2
PATIENCE_SECONDS = 20.0  # until a try counts as held up

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def receiving(answer: Answer) -> AsyncIterator[str]:
    """Serve one address that takes a request and answers as told, for as long as anybody listens."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        await reader.readuntil(b"\r\n\r\n")
        try:
            await answer(writer)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def posted_to(answer: Answer, seconds: float) -> Failure | None:
    async with receiving(answer) as url, asyncio.timeout(PATIENCE_SECONDS):
        return await Webhook(HookSettings(name="alert", url=url, timeout_seconds=seconds))(EVENT)


def endlessly(first: bytes, again: bytes, pause_seconds: float = PAUSE_SECONDS) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(pause_seconds)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        endlessly(b"HTTP/1.1 200 OK\r\nx: ", b"x"),
        endlessly(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["a head", "heads before it"],
)
async def test_an_answer_that_drips_ends_at_the_deadline(answer: Answer) -> None:
    failure = await posted_to(answer, TRY_SECONDS)
    assert failure is not None
    assert failure.reason == f"was not answered within {TRY_SECONDS} s"


@pytest.mark.parametrize(
    "answer",
    [
        endlessly(b"HTTP/1.1 200 OK\r\nx: ", b"x" * 4_096, 0),
        endlessly(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0),
    ],
    ids=["a head", "heads before it"],
)
async def test_an_answer_without_end_is_not_read_on(answer: Answer) -> None:
    failure = await posted_to(answer, PATIENCE_SECONDS)
    assert failure is not None
    assert failure.reason == "could not be posted: RemoteProtocolError"


async def test_a_body_that_drips_keeps_nobody() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"
    assert await posted_to(endlessly(head, b"x"), PATIENCE_SECONDS) is None


async def test_a_hook_that_ends_waits_for_no_answer() -> None:
    reached = asyncio.Event()

    async def silence(_: asyncio.StreamWriter) -> None:
        reached.set()
        await asyncio.Event().wait()

    trying = asyncio.create_task(posted_to(silence, PATIENCE_SECONDS))
    await reached.wait()
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
