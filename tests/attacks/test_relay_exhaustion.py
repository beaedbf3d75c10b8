"""What somebody may cost the relay with few bytes, before and after they have shown who they are."""

import struct
import tracemalloc

import pytest

from peerpost_protocol.errors import MalformedError
from peerpost_protocol.frames import decode_client_frame
from peerpost_protocol.head import request_of
from peerpost_protocol.limits import MAX_FRAME

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
