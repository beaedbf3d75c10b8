"""Bodies and presentations in their stored form."""

import msgspec

from peerpost_protocol.content import Body, Data, Deletion, Edit, Presentation, Reaction, ReadMark

Change = Reaction | Edit | Deletion

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Body)
_presentations = msgspec.msgpack.Decoder(Presentation)


def encode_body(body: ReadMark | Change | Data) -> bytes:
    """Return the body as it is stored."""
    return _encode(body)


def decode_body(stored: bytes) -> Body:
    """Return what `encode_body` was given."""
    body: Body = _decoder.decode(stored)
    return body


def encode_presentation(presentation: Presentation | None) -> bytes | None:
    """Return the presentation as it is stored."""
    return None if presentation is None else _encode(presentation)


def decode_presentation(stored: bytes | None) -> Presentation | None:
    """Return what `encode_presentation` was given."""
    return None if stored is None else _presentations.decode(stored)
