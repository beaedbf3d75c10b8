import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, SEND_EOF, Protocol, Side
from websockets.uri import parse_uri

from peerpost_relay.framing import frame
from peerpost_relay.settings import EdgeSettings
from tests.relay.edge import (
    PATIENCE_SECONDS,
    QUICK,
    UPGRADE,
    close_code,
    fill,
    listening,
    masked,
    received,
)

QUICK_PINGS = EdgeSettings(tick_seconds=0.05, ping_interval_seconds=0.1)
LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_framed_payload_is_what_the_library_would_write(length: int) -> None:
    payload = bytes(length)
    assert frame(payload) == Frame(Opcode.BINARY, payload).serialize(mask=False)


@given(st.lists(st.binary(max_size=300), max_size=10))
def test_framed_payloads_are_read_back_by_the_library_s_client(payloads: list[bytes]) -> None:
    client = ClientProtocol(parse_uri("ws://relay/"), state=OPEN)
    client.parser = Protocol.parse(client)  # past the handshake, which ClientProtocol parses first
    next(client.parser)
    client.receive_data(b"".join(map(frame, payloads)))
    events = [event for event in client.events_received() if isinstance(event, Frame)]
    assert [bytes(event.data) for event in events] == payloads
    assert all(event.opcode is Opcode.BINARY and event.fin for event in events)


async def test_pings_and_closings_are_answered_with_the_library_s_bytes() -> None:
    machine = Protocol(Side.SERVER)
    machine.receive_data(masked(0x89, b"a") + masked(0x89, b"b"))
    _, newest_pong = machine.data_to_send()
    machine.receive_data(masked(0x88, b"\x03\xe8"))
    closing, end = machine.data_to_send()
    assert end is SEND_EOF
    async with listening() as place, place.socket() as socket:
        await socket.upgrade()
        socket.write(masked(0x89, b"a") + masked(0x89, b"b"))
        assert await socket.reader.readexactly(3) == newest_pong  # one answers all, section 5.5.3
        socket.write(masked(0x88, b"\x03\xe8"))
        assert await socket.rest() == closing


async def test_a_violation_is_named_in_the_closing() -> None:
    async with listening() as place, place.socket() as socket:
        await socket.upgrade()
        socket.write(masked(0x82, b"good") + b"\x82\x01x" + masked(0x82, b"late"))
        assert close_code(await socket.rest()) == 1002
        await place.recorder.heard("closed")
        assert place.recorder.payloads == [b"good"]


async def test_a_message_comes_up_and_an_answer_goes_down() -> None:
    async with listening() as place, place.connect() as client:
        place.recorder.on_message = lambda connection, payload: connection.send(
            frame(payload[::-1])
        )
        await client.send(b"abc")
        assert await received(client) == b"cba"
        assert place.recorder.calls == ["opened", "message"]


@pytest.mark.parametrize("length", LENGTHS)
async def test_every_length_survives_the_round_trip(length: int) -> None:
    async with listening() as place, place.connect() as client:
        place.recorder.on_message = lambda connection, payload: connection.send(frame(payload))
        await client.send(b"x" * length)
        assert await received(client) == b"x" * length


async def test_messages_of_one_read_arrive_in_order() -> None:
    expected = [str(number).encode() for number in range(1_000)]
    async with listening() as place, place.socket() as socket:
        socket.write(UPGRADE + b"".join(masked(0x82, payload) for payload in expected))
        await place.recorder.heard("message", 1_000)
        assert place.recorder.payloads == expected


async def test_what_a_tick_brings_leaves_in_one_write() -> None:
    async with listening() as place, place.connect() as client:
        connection = await place.recorder.heard("opened")
        for number in range(100):
            connection.send(frame(bytes([number])))
        assert connection.buffered == 300  # all of it still ours
        assert [await received(client) for _ in range(100)] == [bytes([n]) for n in range(100)]
        assert connection.buffered == 0


async def test_what_is_offered_is_sent_unless_too_much_waits() -> None:
    async with listening() as place, place.connect() as client:
        connection = await place.recorder.heard("opened")
        assert [connection.offer(frame(b"x"), 6) for _ in range(4)] == [True, True, True, False]
        assert connection.buffered == 9
        assert [await received(client) for _ in range(3)] == [b"x"] * 3
        assert connection.offer(frame(b"y"), 6)
        assert await received(client) == b"y"


async def test_what_is_offered_to_a_closing_connection_is_dropped() -> None:
    async with listening() as place, place.connect():
        connection = await place.recorder.heard("opened")
        connection.close(1000)
        assert connection.offer(frame(b"x"), 6)
        assert connection._waiting == []


async def test_a_message_in_fragments_comes_up_whole() -> None:
    async with listening() as place, place.connect() as client:
        await client.send([b"one ", b"", b"message"])
        await place.recorder.heard("message")
        assert place.recorder.payloads == [b"one message"]


async def test_a_text_message_is_refused_with_1003() -> None:
    async with listening() as place, place.connect() as client:
        await client.send("text")
        with pytest.raises(ConnectionClosed):
            await received(client)
        assert client.close_code == 1003
        await place.recorder.heard("closed")
        assert place.recorder.payloads == []


async def test_a_ping_is_answered() -> None:
    async with listening() as place, place.connect() as client:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await (await client.ping())


async def test_a_clean_close_by_the_client_is_told_once() -> None:
    async with listening() as place:
        async with place.connect() as client:
            await place.recorder.heard("opened")
        await place.recorder.heard("closed")
        assert client.close_code == 1000
        assert place.recorder.calls == ["opened", "closed"]
        assert place.listener.opened == 0


async def test_what_was_sent_before_close_arrives_before_it() -> None:
    async with listening() as place, place.connect() as client:
        connection = await place.recorder.heard("opened")
        connection.send(frame(b"last words"))
        connection.close(4001, "é" * 100)  # 200 bytes: cut at 123, between characters
        connection.close(4002)
        connection.send(frame(b"too late"))
        assert await received(client) == b"last words"
        with pytest.raises(ConnectionClosed):
            await received(client)
        assert (client.close_code, client.close_reason) == (4001, "é" * 61)
        await place.recorder.heard("closed")


async def test_a_close_that_nobody_answers_ends_in_an_abort() -> None:
    async with listening(QUICK) as place, place.socket() as socket:
        await socket.upgrade()
        connection = await place.recorder.heard("opened")
        connection.close(1000)
        assert await socket.rest() == b"\x88\x02\x03\xe8"
        await place.recorder.heard("closed")


async def test_no_message_comes_up_after_close() -> None:
    async with listening() as place, place.socket() as socket:
        await socket.upgrade()
        place.recorder.on_message = lambda connection, _payload: connection.close(1008)
        socket.write(masked(0x82, b"one") + masked(0x82, b"two") + masked(0x88, b"\x03\xe8"))
        await socket.rest()
        assert place.recorder.payloads == [b"one"]


async def test_an_aborted_connection_is_told_and_drops_what_is_sent() -> None:
    async with listening() as place, place.connect():
        connection = await place.recorder.heard("opened")
        connection.abort()
        connection.send(frame(b"nobody"))
        await place.recorder.heard("closed")
        connection.abort()
        connection.close(1000)
        connection.resume_reading()
        assert connection.buffered == 0


async def test_a_paused_connection_reads_on_when_resumed() -> None:
    async with listening() as place, place.connect() as client:
        connection = await place.recorder.heard("opened")
        connection.pause_reading()
        await client.send(b"later")
        connection.resume_reading()
        await place.recorder.heard("message")
        assert place.recorder.payloads == [b"later"]


async def test_a_paused_connection_still_closes_cleanly() -> None:
    async with listening() as place, place.connect() as client:
        connection = await place.recorder.heard("opened")
        connection.pause_reading()
        connection.close(1000)
        await client.wait_closed()
        await place.recorder.heard("closed")
        assert client.close_code == 1000


async def test_writable_comes_when_a_slow_reader_has_caught_up() -> None:
    piece = frame(bytes(65_536))
    async with listening() as place, place.socket() as socket:
        await socket.upgrade()
        connection = await place.recorder.heard("opened")
        sent = await fill(connection, piece)
        before = place.recorder.calls.count("writable")
        await socket.reader.readexactly(sent)
        await place.recorder.heard("writable", before + 1)
        assert connection.buffered == 0


async def test_writable_comes_when_the_kernel_takes_a_burst_at_once() -> None:
    async with listening() as place, place.connect() as client:
        connection = await place.recorder.heard("opened")
        connection.send(frame(bytes(70_000)))  # above `write_low_bytes`, below the socket's buffer
        await received(client)
        await place.recorder.heard("writable")


async def test_a_silent_client_is_pinged_and_then_aborted() -> None:
    async with listening(QUICK_PINGS) as place, place.socket() as socket:
        await socket.upgrade()
        assert await socket.rest() == b"\x89\x00"
        await place.recorder.heard("closed")


async def test_a_client_that_answers_pings_stays() -> None:
    async with listening(QUICK_PINGS) as place, place.socket() as socket:
        await socket.upgrade()
        for _ in range(4):
            assert await socket.reader.readexactly(2) == b"\x89\x00"
            socket.write(masked(0x8A))
        assert place.listener.opened == 1


async def test_a_client_that_we_do_not_read_is_not_called_silent() -> None:
    async with listening(QUICK_PINGS) as place, place.socket() as socket:
        await socket.upgrade()
        connection = await place.recorder.heard("opened")
        connection.pause_reading()
        for _ in range(20):  # five times what silence may last
            connection._edge.wheel.advance()
        assert place.listener.opened == 1
        assert place.recorder.calls == ["opened"]


class Broken:
    """Be a connection that fails when it is flushed."""

    aborted = False

    def flush(self) -> None:
        raise RuntimeError("broken")

    def abort(self) -> None:
        self.aborted = True


async def test_a_connection_that_fails_to_flush_takes_no_other_with_it() -> None:
    async with listening() as place, place.connect() as client:
        connection = await place.recorder.heard("opened")
        broken, told = Broken(), list[str]()
        asyncio.get_running_loop().set_exception_handler(
            lambda _, said: told.append(said["message"])
        )
        connection._edge.flush_soon(broken)  # type: ignore[arg-type]  # as if it were one
        connection.send(frame(b"whole"))
        assert await received(client) == b"whole"
        assert broken.aborted
        assert told == ["a connection could not be flushed"]
