"""Frame a payload once for all its receivers.

RFC 6455 section 5.2: a server's frames are not masked, so one payload has the same bytes for
every receiver. `websockets` frames each message again for each connection; here the header is
written by hand, once. This relies on: no extension being negotiated (permessage-deflate would
change the bytes), every message being one unfragmented frame, and nobody else framing data on
the connection's library object, which keeps no record of what was sent. The tests compare these
bytes with what `websockets` writes and read them back with its client parser.
"""

import struct

BINARY_HEAD = 0x82  # FIN, no reserved bits, opcode 2
CLOSE_HEAD = 0x88
PONG_HEAD = 0x8A
PING = b"\x89\x00"  # an empty ping: any traffic answers it, so it needs no payload to match

_MEDIUM = struct.Struct("!BBH")
_LARGE = struct.Struct("!BBQ")


def frame(payload: bytes) -> bytes:
    """Frame `payload` as one unmasked binary message, server to client."""
    length = len(payload)
    if length < 126:
        return bytes((BINARY_HEAD, length)) + payload
    if length < 65_536:
        return _MEDIUM.pack(BINARY_HEAD, 126, length) + payload
    return _LARGE.pack(BINARY_HEAD, 127, length) + payload


def control(head: int, payload: bytes) -> bytes:
    """Frame what a control frame carries, at most 125 bytes."""
    return bytes((head, len(payload))) + payload
