"""Decoders and arbitrary bytes: each returns its type or raises ProtocolError, and nothing else."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerpost_protocol.card import open_card
from peerpost_protocol.content import Content, Text, decode_content, encode_content
from peerpost_protocol.envelope import parse_envelope, recipients_of, unseal
from peerpost_protocol.errors import ProtocolError
from peerpost_protocol.frames import (
    Accepted,
    Subscribe,
    decode_client_frame,
    decode_relay_frame,
    decode_signed,
    encode_frame,
)
from peerpost_protocol.padding import pad, unpad
from peerpost_protocol.receipt import ReceiptBody, parse_receipt
from peerpost_protocol.roster import parse_event
from peerpost_protocol.signing import Signed
from peerpost_protocol.statement import Reason, Revoke, parse_statement
from peerpost_protocol.wire import encode
from tests.support.identities import begun, stated
from tests.support.people import channel_of, digest, opened, person, sealed

ALICE = person("alice")
CHANNEL = channel_of(ALICE, person("bob"))
ENVELOPE = sealed(ALICE, CHANNEL)
CONTENT = Content(ALICE.card.id, CHANNEL.id, 1, None, None, Text("hello"), None)


def signed(parse: Callable[[Signed], Any]) -> Callable[[bytes], Any]:
    return lambda data: parse(Signed(data, bytes(64)))


def wraps(data: bytes) -> object:
    envelope = opened(ENVELOPE, ALICE)
    changed = msgspec.structs.replace(
        envelope, parts=msgspec.structs.replace(envelope.parts, wraps=data)
    )
    recipients_of(changed)
    return unseal(changed, ALICE.card.id, ALICE.keys.encryption_private)


DECODERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "client frame": (decode_client_frame, encode_frame(Subscribe(1, (), everything=True))),
    "relay frame": (decode_relay_frame, encode_frame(Accepted(1, bytes(32), 1))),
    "signed": (decode_signed, encode(ALICE.card.signed)),
    "card": (signed(open_card), ALICE.card.signed.payload),
    "statement": (
        signed(parse_statement),
        stated(begun(ALICE), ALICE, ALICE, Revoke(Reason.LOST)).statement.payload,
    ),
    "roster event": (signed(parse_event), CHANNEL.events[0].signed.payload),
    "envelope": (parse_envelope, ENVELOPE),
    "wraps": (wraps, opened(ENVELOPE, ALICE).parts.wraps),
    "content": (decode_content, encode_content(CONTENT)),
    "receipt": (signed(parse_receipt), encode(ReceiptBody(digest("c"), digest("d"), 1, 1, ()))),
    "padding": (unpad, pad(b"data")),
}
every_decoder = pytest.mark.parametrize("name", DECODERS)

# Arrays that begin like ours reach deeper than plain noise.
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=9)
    | st.binary(max_size=40) | st.sampled_from(["hello", "publish", "create", "text", bytes(32)]),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=12,
)  # fmt: skip


def survives(decode: Callable[[bytes], Any], data: bytes) -> None:
    try:
        decode(data)
    except ProtocolError as error:
        assert error.kind  # noqa: PT017  either outcome is right; another exception is not


@every_decoder
@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=300))
def test_noise_is_refused(name: str, data: bytes) -> None:
    survives(DECODERS[name][0], data)


@every_decoder
@settings(max_examples=40, deadline=None)
@given(value=st.lists(anything, max_size=7))
def test_other_arrays_are_refused(name: str, value: list[Any]) -> None:
    survives(DECODERS[name][0], msgspec.msgpack.encode(value))


@every_decoder
@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 10_000), drop=st.integers(0, 4), insert=st.binary(max_size=4))
def test_mutations_of_the_valid_are_refused_or_read(
    name: str, at: int, drop: int, insert: bytes
) -> None:
    decode, valid = DECODERS[name]
    at %= len(valid) + 1
    survives(decode, valid[:at] + insert + valid[at + drop :])


@every_decoder
def test_every_truncation_is_refused(name: str) -> None:
    decode, valid = DECODERS[name]
    for length in range(0, len(valid), max(1, len(valid) // 64)):
        with pytest.raises(ProtocolError):
            decode(valid[:length])
