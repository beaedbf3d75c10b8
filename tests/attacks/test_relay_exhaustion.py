"""What somebody may cost the relay with few bytes, before and after they have shown who they are."""

import asyncio
import socket
import struct
import tracemalloc
from pathlib import Path

import pytest
from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed

from peerpost_protocol import frames as f
from peerpost_protocol.errors import MalformedError
from peerpost_protocol.frames import decode_client_frame
from peerpost_protocol.head import request_of
from peerpost_protocol.limits import MAX_FRAME
from peerpost_protocol.refusals import Refusal
from tests.relay.edge import listening, masked
from tests.support.relay_client import Person, RelayClient, position, refusal
from tests.support.relay_server import OPEN, RunningRelay, running_relay

TOO_BIG = 1009
SMALL_BYTES = 4_096
COUNT = MAX_FRAME - 32


def array(*first: bytes) -> bytes:
    return b"\xdd" + struct.pack("!I", COUNT) + b"".join(first) + b"\x90" * (COUNT - len(first))


@pytest.mark.parametrize(
    "frame", [array(), array(b"\xa5hello"), array(b"\xacsearch_cards", b"\x07", b"\x90")]
)
def test_a_frame_of_a_million_arrays_is_refused_without_building_them(frame: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError):
            decode_client_frame(frame)
        request_of(frame)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100_000


async def asked_without_reading(
    relay: RunningRelay, client: RelayClient, asked: list[bytes]
) -> int:
    """Send frames in one write, read nothing; return how many bytes of answers the relay held at most."""
    (peer,) = relay.relay._peers.values()
    client.socket.transport.pause_reading()
    client.socket.transport.write(b"".join(masked(0x82, one) for one in asked))
    most = 0
    async with asyncio.timeout(30):
        while peer.in_flight or not most:
            await asyncio.sleep(0)
            most = max(most, peer.line.buffered)
    client.socket.transport.abort()
    return most


async def test_answers_that_nobody_reads_are_not_made(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    async with running_relay(tmp_path) as relay:
        client = await RelayClient.register(relay.url, alice)
        roster, event = alice.create([])
        position(await client.submit(event))
        for _ in range(8):
            position(await client.publish(alice.envelope(roster, "x" * 60_000)))
        asked = [f.encode_frame(f.ReadStream(n, roster.channel, 0, 256)) for n in range(1, 1_001)]
        most = await asked_without_reading(relay, client, asked)
        assert most < OPEN.answer_bytes_max + OPEN.query_batch_max * MAX_FRAME


async def test_a_thousand_subscriptions_are_not_answered_to_who_does_not_read(
    tmp_path: Path,
) -> None:
    alice = Person("alice@example.org")
    settings = replace(OPEN, answer_bytes_max=10_000, query_batch_max=1)
    async with running_relay(tmp_path, settings) as relay:
        client = await RelayClient.register(relay.url, alice)
        for _ in range(20):
            position(await client.submit(alice.create([])[1]))
        asked = [f.encode_frame(f.Subscribe(n, (), everything=True)) for n in range(1, 5_001)]
        assert await asked_without_reading(relay, client, asked) < 5_000 * 200


async def test_who_has_not_said_who_it_is_sends_small_frames_only(relay: RunningRelay) -> None:
    client = await RelayClient.connect(relay.url)
    await client.greet()
    await client.socket.send(f.encode_frame(f.Publish(1, bytes(20_000))))
    with pytest.raises(ConnectionClosed) as caught:
        await client.next()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == TOO_BIG


async def test_a_large_frame_is_taken_of_who_has_said_who_it_is(relay: RunningRelay) -> None:
    async with await RelayClient.register(relay.url, Person("alice@example.org")) as client:
        answer = await client.ask(f.Publish(1, bytes(400_000)))
        assert refusal(answer) == Refusal.MALFORMED


async def test_refused_cards_end_the_session_of_a_stranger(relay: RunningRelay) -> None:
    async with await RelayClient.register(relay.url, Person("alice@example.org")):
        client = await RelayClient.connect(relay.url)
        await client.greet()
        for _ in range(OPEN.failed_tries_max):
            answer = await client.publish_card(Person("alice@example.org"))
            assert refusal(answer) == Refusal.IDENTITY_TAKEN
        assert (await client.expect(f.Closing)).kind == Refusal.TOO_MANY_REQUESTS
        await client.close()


async def test_who_has_a_card_publishes_no_more_cards_than_it_may_write(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    slow = replace(OPEN, writes_per_second=1, writes_burst=1)
    async with (
        running_relay(tmp_path, slow) as relay,
        await RelayClient.register(relay.url, alice) as client,
    ):
        assert isinstance(await client.publish_card(alice), f.Accepted)
        assert refusal(await client.publish_card(alice)) == Refusal.TOO_MANY_REQUESTS


async def test_the_kernel_holds_little_for_who_does_not_read() -> None:
    """Its buffer is seen by no bound of ours and grows to megabytes where it may."""
    piece = f.encode_frame(f.Publish(1, bytes(16_000)))
    async with listening() as place, place.socket() as slow:
        slow.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES
        )
        await slow.upgrade()
        connection = await place.recorder.heard("opened")
        slow.reader._transport.pause_reading()  # type: ignore[attr-defined]
        sent = 0
        while connection.buffered < OPEN.live_bytes_max:
            connection.send(piece)
            sent += len(piece)
            await asyncio.sleep(0)
        assert sent - connection.buffered < OPEN.live_bytes_max
