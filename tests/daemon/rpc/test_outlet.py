"""The outlet over a transport that takes what it is told to take."""

import asyncio

import pytest

from peerpost_daemon.errors import CallerGone
from peerpost_daemon.rpc.limits import RpcLimits
from peerpost_daemon.rpc.outlet import Outlet


class Transport(asyncio.Transport):
    """Keep what is written; ``unread`` is what the client has not taken."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.unread = 0
        self.closing = False
        self.aborted = asyncio.Event()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.aborted.set()


def outlet(transport: Transport) -> Outlet:
    return Outlet(transport, RpcLimits(coalesce=10, stalled_seconds=0.001))


async def test_lines_of_one_tick_leave_in_one_write() -> None:
    transport = Transport()
    lines = outlet(transport)
    await lines.send(b"a")
    await lines.send(b"b")
    await asyncio.sleep(0)
    assert transport.writes == [b"a\nb\n"]


async def test_a_full_write_leaves_at_once() -> None:
    transport = Transport()
    await outlet(transport).send(b"0123456789")
    assert transport.writes == [b"0123456789\n"]


async def test_senders_wait_until_the_client_reads() -> None:
    transport = Transport()
    lines = outlet(transport)
    lines.pause()
    sending = asyncio.create_task(lines.send(b"0123456789"))
    await asyncio.sleep(0)
    assert transport.writes == []
    lines.resume()
    await sending
    assert len(transport.writes) == 1


async def test_senders_are_told_when_the_client_is_gone() -> None:
    lines = outlet(Transport())
    lines.pause()
    sending = asyncio.create_task(lines.send(b"x"))
    await asyncio.sleep(0)
    lines.lose()
    with pytest.raises(CallerGone):
        await sending


async def test_nothing_is_sent_to_a_client_that_is_hung_up_on() -> None:
    transport = Transport()
    transport.closing = True
    with pytest.raises(CallerGone):
        await outlet(transport).send(b"x")


async def test_a_client_that_reads_slowly_is_kept_and_one_that_stalls_is_dropped() -> None:
    transport = Transport()
    lines = outlet(transport)
    transport.unread = 100
    lines.pause()
    transport.unread = 50
    lines._look(100)
    assert not transport.aborted.is_set()
    await transport.aborted.wait()


async def test_the_watch_goes_on_when_the_last_bytes_are_left() -> None:
    transport = Transport()
    lines = outlet(transport)
    lines.pause()
    transport.unread = 5
    lines.finish()
    lines.resume()
    await transport.aborted.wait()
