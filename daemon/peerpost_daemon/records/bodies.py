"""Bodies in their stored form: contents of the outbox that are no messages."""

import msgspec

from peerpost_protocol.content import Body, ReadMark

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Body)


def encode_body(body: ReadMark) -> bytes:
    """Return the body as it is stored."""
    return _encode(body)


def decode_body(stored: bytes) -> Body:
    """Return what `encode_body` was given."""
    body: Body = _decoder.decode(stored)
    return body
