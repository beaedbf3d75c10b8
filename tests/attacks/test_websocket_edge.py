"""What an unauthenticated peer may try at the relay's socket, and what it costs the relay."""

import asyncio
import logging
import struct

import pytest

from peerpost_relay.connection import Phase
from peerpost_relay.framing import frame
from peerpost_relay.handshake import LIBRARY_LOG
from peerpost_relay.settings import EdgeSettings
from tests.relay.edge import QUICK, UPGRADE, close_code, fill, listening, masked

SMALL = EdgeSettings(message_bytes_max=1_000, fragments_max=8)

BROKEN = {
    "an oversized frame, announced only": (struct.pack("!BBQ", 0x82, 0xFF, 2**62), 1009),
    "a frame one byte too long": (masked(0x82, bytes(1_001)), 1009),
    "fragments that add up to too much": (masked(2, bytes(600)) + masked(0, bytes(600)), 1009),
    "a flood of empty fragments": (masked(2) + masked(0) * 50, 1009),
    "an unmasked frame": (b"\x82\x01x", 1002),
    "reserved bit one": (masked(0xC2, b"x"), 1002),
    "reserved bit two": (masked(0xA2, b"x"), 1002),
    "reserved bit three": (masked(0x92, b"x"), 1002),
    "an unknown opcode": (masked(0x83), 1002),
    "an unknown control opcode": (masked(0x8B), 1002),
    "a fragmented ping": (masked(0x09), 1002),
    "an oversized ping": (masked(0x89, bytes(126)), 1002),
    "a continuation of nothing": (masked(0x80), 1002),
    "a message inside a message": (masked(0x02) + masked(0x82), 1002),
    "a close inside a message": (masked(0x02) + masked(0x88), 1002),
    "a close frame of one byte": (masked(0x88, b"\x03"), 1002),
    "a close code that may not be sent": (masked(0x88, b"\x03\xed"), 1002),
    "a close reason that is not text": (masked(0x88, b"\x03\xe8\xff"), 1007),
    "a text message": (masked(0x81, b"text"), 1003),
    "a text message in fragments": (masked(0x01, b"te") + masked(0x80, b"xt"), 1003),
}


@pytest.mark.parametrize(("stream", "code"), BROKEN.values(), ids=BROKEN.keys())
async def test_broken_framing_is_closed_with_its_code(stream: bytes, code: int) -> None:
    async with listening(SMALL) as place, place.socket() as socket:
        await socket.upgrade()
        socket.write(stream)
        assert close_code(await socket.reader.readexactly(4)) == code
        socket.writer.write_eof()
        await place.recorder.heard("closed")
        assert place.recorder.payloads == []


async def test_messages_before_the_broken_one_are_kept_and_later_ones_are_not() -> None:
    async with listening() as place, place.socket() as socket:
        await socket.upgrade()
        socket.write(masked(0x82, b"good") + b"\x82\x00" + masked(0x82, b"late"))
        await socket.reader.readexactly(2)
        socket.writer.write_eof()
        await place.recorder.heard("closed")
        assert place.recorder.payloads == [b"good"]


async def test_who_goes_on_flooding_after_being_closed_is_aborted() -> None:
    async with listening(QUICK) as place, place.socket() as socket:
        await socket.upgrade()
        socket.write(b"\x82\x00" + bytes(1_000_000))
        await socket.rest()
        await place.recorder.heard("closed")


HANGING = {
    "nothing at all": b"",
    "a header that never ends": UPGRADE[:-2] + b"X-Slow: ",
    "all but the last byte": UPGRADE[:-1],
}


@pytest.mark.parametrize("start", HANGING.values(), ids=HANGING.keys())
async def test_a_handshake_that_never_finishes_is_aborted(start: bytes) -> None:
    async with listening(QUICK) as place, place.socket() as socket:
        socket.write(start)
        assert await socket.rest() == b""
        assert place.recorder.calls == []


async def test_dripping_headers_does_not_extend_the_handshake() -> None:
    async with listening(QUICK) as place, place.socket() as socket:

        async def drip() -> None:
            while not socket.reader.at_eof():
                socket.write(b"X-Slow: 1\r\n")
                await asyncio.sleep(0.01)  # the attack itself is slow

        socket.write(UPGRADE[:-2])
        dripping = asyncio.create_task(drip())
        await socket.rest()
        dripping.cancel()
        assert place.recorder.calls == []


async def test_a_peer_that_never_reads_its_refusal_is_aborted() -> None:
    async with listening(QUICK) as place, place.socket() as socket:
        socket.write(b"GET /nowhere HTTP/1.1\r\n\r\n")
        await socket.rest()  # and our half stays open
        await place.holds(0)


LARGE = {
    "one endless line": (b"GET /" + b"a" * 20_000, b"414"),
    "one long header": (UPGRADE[:-2] + b"X: " + b"a" * 20_000, b"431"),
    "many headers": (UPGRADE[:-2] + b"X: 1\r\n" * 200 + b"\r\n", b"431"),
    "many long headers": (UPGRADE[:-2] + (b"X: " + b"a" * 4_000 + b"\r\n") * 20, b"431"),
}


@pytest.mark.parametrize(("request_bytes", "status"), LARGE.values(), ids=LARGE.keys())
async def test_an_oversized_request_is_refused(request_bytes: bytes, status: bytes) -> None:
    async with listening() as place:
        answer = await place.get(request_bytes)
        assert answer.split()[1] in {status, b"431"}  # which bound comes first depends on the reads
        assert place.recorder.calls == []


NOT_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",  # a TLS hello
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"\x00\n\xff\n\r\n\r\n",
    b"GET / HTTP/2.0\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
]


@pytest.mark.parametrize("request_bytes", NOT_HTTP)
async def test_what_is_not_plain_http_is_dropped_without_a_word(request_bytes: bytes) -> None:
    async with listening() as place:
        assert await place.get(request_bytes) == b""


BAD_UPGRADES = [
    UPGRADE.replace(b"Key: dGhlIHNhbXBsZSBub25jZQ==", b"Key: short"),
    UPGRADE.replace(b"Key: dGhlIHNhbXBsZSBub25jZQ==", b"Key: \xff\xfe"),
    UPGRADE.replace(b"Version: 13", b"Version: 8"),
    UPGRADE.replace(b"Upgrade: websocket\r\n", b"Upgrade: websocket\r\nUpgrade: h2c\r\n"),
    UPGRADE.replace(b"GET", b"POST"),
    UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0"),
    UPGRADE[:-2] + b"Origin: a\r\nOrigin: b\r\n\r\n",
    UPGRADE[:-2] + b"Sec-WebSocket-Protocol: ,;\r\n\r\n",
]


@pytest.mark.parametrize("request_bytes", BAD_UPGRADES)
async def test_a_bad_upgrade_gets_an_error_and_no_websocket(request_bytes: bytes) -> None:
    async with listening() as place:
        answer = await place.get(request_bytes)
        assert answer.split()[1][:1] in {b"4", b"5"}
        assert place.recorder.calls == []


BEHIND = {
    "a close": masked(0x88, b"\x03\xe8"),
    "a ping": masked(0x89, b"x"),
    "a message": masked(0x82, b"x"),
    "a broken frame": b"\xff\xff\xff\xff",
    "a second request": UPGRADE,
}


@pytest.mark.parametrize("behind", BEHIND.values(), ids=BEHIND.keys())
async def test_frames_behind_a_refused_request_are_not_looked_at(behind: bytes) -> None:
    async with listening() as place:
        answer = await place.get(UPGRADE.replace(b"/v1", b"/v2") + behind)
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert answer.endswith(b'{"kind":"not_found"}')
        assert place.recorder.calls == []


async def test_frames_behind_a_good_request_are_answered_after_it() -> None:
    async with listening() as place:
        answer = await place.get(UPGRADE + masked(0x89, b"x") + masked(0x88, b"\x03\xe8"))
        head, _, frames = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert frames == b"\x88\x02\x03\xe8"  # the pong is overtaken by the end


async def test_more_unfinished_handshakes_than_allowed_are_aborted() -> None:
    async with listening(EdgeSettings(handshakes_max=1)) as place, place.socket() as first:
        first.write(b"GET ")
        await place.holds(1)
        assert await place.get(UPGRADE) == b""
        first.write(UPGRADE[4:])
        await place.recorder.heard("opened")


async def test_a_flood_of_pings_by_a_peer_that_does_not_read_costs_few_pongs() -> None:
    async with listening() as place, place.socket() as socket:
        await socket.upgrade()
        connection = await place.recorder.heard("opened")
        sent = await fill(connection, frame(bytes(65_536)))
        before = connection.buffered
        for number in range(20_000):
            socket.write(masked(0x89, number.to_bytes(4, "big")))
        socket.write(masked(0x82, b"end"))
        await place.recorder.heard("message")
        assert connection.buffered < before + 1_000
        await socket.reader.readexactly(sent)
        last = b"\x8a\x04" + (19_999).to_bytes(4, "big")
        pongs = [await socket.reader.readexactly(6)]
        while pongs[-1] != last:
            pongs.append(await socket.reader.readexactly(6))
        assert len(pongs) < 10  # one for each time that the kernel took some, not one a ping


async def test_what_waits_for_a_reader_that_does_not_read_is_what_was_sent_to_it() -> None:
    piece = frame(bytes(10_000))
    async with listening() as place, place.socket() as socket:
        await socket.upgrade()
        connection = await place.recorder.heard("opened")
        while connection.buffered < 1_000_000:  # the bound of the layer above
            connection.send(piece)
        assert connection.buffered < 1_000_000 + len(piece)
        await asyncio.sleep(0)
        assert connection.buffered < 1_000_000 + len(piece)


async def test_a_peer_that_vanishes_with_much_waiting_leaves_nothing_behind() -> None:
    async with listening() as place:
        async with place.socket() as socket:
            await socket.upgrade()
            connection = await place.recorder.heard("opened")
            connection.send(frame(bytes(10_000_000)))
        await place.recorder.heard("closed")
        assert connection.buffered == 0
        assert connection.phase is Phase.CLOSED
        assert place.listener.connections == frozenset()


async def test_frames_and_headers_never_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with listening() as place, place.socket() as socket:
        socket.write(UPGRADE[:-2] + b"Authorization: secret\r\n\r\n" + masked(0x82, b"secret"))
        await place.recorder.heard("message")
    assert not LIBRARY_LOG.isEnabledFor(logging.INFO)
    assert "secret" not in caplog.text
