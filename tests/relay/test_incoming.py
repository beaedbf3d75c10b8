"""What clients send, cut by our parser: beside the library's, and by whoever means harm."""

import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from peerpost_relay.incoming import BINARY, CLOSE, PING, PONG, Event, Incoming
from tests.relay.edge import masked

BOUND, FRAGMENTS = 4_096, 8

frames = st.builds(
    Frame,
    opcode=st.sampled_from([o for o in Opcode if o is not Opcode.TEXT]),
    data=st.binary(max_size=200) | st.binary(min_size=1_000, max_size=BOUND + 9),
    fin=st.booleans(),
    rsv1=st.sampled_from([False] * 9 + [True]),
)
good = st.builds(
    Frame,
    opcode=st.sampled_from([Opcode.BINARY, Opcode.PING, Opcode.PONG]),
    data=st.binary(max_size=125),
)


def ours(reads: Iterable[bytes]) -> tuple[list[Event], int | None]:
    """Return all events and the code of the violation that ended them."""
    incoming = Incoming(BOUND, FRAGMENTS)
    events = [event for read in reads for event in incoming.receive(read)]
    return events, incoming.violation.code if incoming.violation else None


def theirs(stream: bytes) -> tuple[list[Event], int | None]:
    """Return what the library makes of it, its fragments put together."""
    library = Protocol(Side.SERVER, state=OPEN, max_size=BOUND)
    library.receive_data(stream)
    events: list[Event] = []
    message = b""
    for frame in library.events_received():
        assert isinstance(frame, Frame)
        if frame.opcode in {Opcode.BINARY, Opcode.CONT}:
            message += bytes(frame.data)
            if frame.fin:
                events.append((BINARY, message))
                message = b""
        else:
            events.append((int(frame.opcode), bytes(frame.data)))
    code = library.close_sent.code if library.parser_exc and library.close_sent else None
    if events and events[-1][0] == Opcode.CLOSE and code is not None:
        events.pop()
    return events, code


def wire(frame: Frame) -> bytes:
    """Write a frame as a client would, whether it is right or not."""
    head = frame.fin << 7 | frame.rsv1 << 6 | frame.opcode
    return masked(head, bytes(frame.data))


def pieces(stream: bytes, sizes: list[int]) -> Iterable[bytes]:
    for size in sizes:
        yield stream[:size]
        stream = stream[size:]
    yield stream


@given(st.lists(frames, max_size=6))
def test_any_frames_make_the_events_that_the_library_makes(sent: list[Frame]) -> None:
    stream = b"".join(map(wire, sent))
    (events, code), (others, other) = ours([stream]), theirs(stream)
    assert events == others
    assert (code is None) == (other is None)  # of two violations in a frame, either may be named


@given(st.binary(max_size=300))
def test_any_bytes_make_the_events_that_the_library_makes(stream: bytes) -> None:
    events, code = ours([stream])
    others, other = theirs(stream)
    assert events == [event for event in others if event[0] != Opcode.TEXT][: len(events)]
    assert code is not None or other is None, (code, other)


@given(st.lists(good, max_size=6), st.lists(st.integers(0, 40), max_size=30), st.binary(min_size=4))
def test_it_does_not_matter_how_reads_cut_the_stream(
    sent: list[Frame], sizes: list[int], more: bytes
) -> None:
    library = Protocol(Side.CLIENT, state=OPEN)
    for frame in sent:
        library.send_frame(frame)
    stream = b"".join(library.data_to_send()) + more
    assert ours(pieces(stream, sizes)) == ours([stream])
    assert ours(pieces(stream, [1] * len(stream))) == ours([stream])


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 1_000, BOUND])
def test_random_masks_are_taken_off(length: int) -> None:
    library = Protocol(Side.CLIENT, state=OPEN)
    library.send_binary(bytes(range(256)) * (length // 256) + bytes(range(length % 256)))
    [stream] = library.data_to_send()
    assert ours([stream])[0] == theirs(stream)[0]


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (b"\x82\x01x", 1002),  # not masked
        (masked(0xC2), 1002),  # a reserved bit
        (masked(0x83), 1002),  # an unknown opcode
        (masked(0x8B), 1002),  # an unknown control opcode
        (b"\x83\xfe", 1002),  # an unknown opcode, before its length has come
        (b"\x09\xff", 1002),  # a ping in fragments, before its length has come
        (masked(0x09), 1002),  # a ping in fragments
        (masked(0x89, bytes(126)), 1002),  # a long ping
        (masked(0x80), 1002),  # a continuation of nothing
        (masked(0x02) + masked(0x82), 1002),  # a message inside another
        (masked(0x88, b"\x03"), 1002),  # half a close code
        (masked(0x88, b"\x03\xed"), 1002),  # 1005, which must not be sent
        (masked(0x88, b"\x03\xe8\xff"), 1007),  # a reason that is not UTF-8
        (masked(0x02) + masked(0x88), 1002),  # a closing inside a message
        (masked(0x81, b"x"), 1003),  # text
        (masked(0x02, bytes(BOUND)) + masked(0x80, b"x"), 1009),  # too long in fragments
        (masked(0x02) + masked(0x00) * FRAGMENTS, 1009),  # too many of them
    ],
)
def test_a_violation_ends_the_stream(stream: bytes, code: int) -> None:
    assert ours([masked(0x82, b"before") + stream + masked(0x82, b"after")]) == (
        [(BINARY, b"before")],
        code,
    )


def test_a_message_over_the_bound_is_refused_by_its_head_alone() -> None:
    for length in (BOUND + 1, 2**63, 2**64 - 1):
        head = b"\x82\xff" + length.to_bytes(8, "big") + bytes(4)
        assert ours([head]) == ([], 1009)


def test_nothing_comes_after_a_closing() -> None:
    stream = masked(0x88, b"\x03\xe8bye") + masked(0x82, b"late")
    assert ours([stream, stream]) == ([(CLOSE, b"\x03\xe8bye")], None)


def test_control_frames_come_between_fragments() -> None:
    stream = masked(0x02, b"a") + masked(0x89, b"p") + masked(0x8A, b"q") + masked(0x80, b"b")
    assert ours([stream])[0] == [(PING, b"p"), (PONG, b"q"), (BINARY, b"ab")]


def test_a_message_that_comes_byte_by_byte_costs_no_square() -> None:
    payload = bytes(1_000_000)
    stream = masked(0x82, payload)
    incoming = Incoming(len(payload), FRAGMENTS)
    begun = time.process_time()
    events = [e for byte in range(len(stream)) for e in incoming.receive(stream[byte : byte + 1])]
    assert events == [(BINARY, payload)]
    assert time.process_time() - begun < 20  # a copy a byte would take minutes
