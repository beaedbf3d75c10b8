"""The codec under all formats: exact arrays, bounded, and the name of what is wrong."""

from typing import Annotated

import pytest
from msgspec import Meta

from peerpost_protocol.errors import MalformedError, ProtocolError, TooLargeError
from peerpost_protocol.wire import Counter, Decoder, WireStruct, encode


class Leaf(WireStruct, frozen=True):
    name: Annotated[str, Meta(max_length=3)]
    count: Counter


class Tree(WireStruct, frozen=True):
    leaves: tuple[Leaf, ...]


decode_leaf = Decoder[Leaf](Leaf, "leaf", 20)
decode_tree = Decoder[Tree](Tree, "tree", 1000)


def field_of(data: bytes) -> str | None:
    with pytest.raises(MalformedError) as caught:
        decode_tree(data)
    return caught.value.field


def test_a_struct_is_an_array_of_its_fields() -> None:
    assert encode(Leaf("a", 5)) == b"\x92\xa1a\x05"
    assert decode_leaf(b"\x92\xa1a\x05") == Leaf("a", 5)


def test_longer_encodings_of_the_same_value_are_read() -> None:
    assert decode_leaf(b"\xdc\x00\x02\xd9\x01a\xcd\x00\x05") == Leaf("a", 5)


def test_a_struct_is_no_map() -> None:
    with pytest.raises(MalformedError):
        decode_leaf(b"\x82\xa4name\xa1a\xa5count\x05")


def test_the_place_is_named_through_lists() -> None:
    assert field_of(encode(Tree((Leaf("a", 1), Leaf("abcd", 1))))) == "tree.leaves[1][0]"
    assert field_of(b"\x91\x91\x91\xa1a") == "tree.leaves[0][1]"


def test_the_noun_is_named_when_there_is_no_place() -> None:
    assert field_of(b"\xc0") == "tree"
    assert field_of(b"\x92\x90\x90") == "tree"


def test_a_bound_is_checked_before_reading_and_after_writing() -> None:
    with pytest.raises(MalformedError) as theirs:
        decode_leaf(bytes(21))
    assert (theirs.value.kind, theirs.value.field) == ("too_large", "leaf")
    with pytest.raises(TooLargeError) as ours:
        encode(Leaf("x" * 30, 1), limit=20)
    assert (ours.value.kind, ours.value.field) == ("too_large", None)


@pytest.mark.parametrize("leaf", [Leaf("\udfff", 1), Leaf("a", 2**64), Leaf("a", -(2**63) - 1)])
def test_what_msgpack_cannot_carry_is_refused(leaf: Leaf) -> None:
    with pytest.raises(MalformedError):
        encode(leaf)


def test_an_error_reads_as_one_sentence_with_its_kind() -> None:
    assert str(ProtocolError("k", "it is so")) == "it is so [k]"
    assert str(ProtocolError("k", "it is so", field="f")) == "f: it is so [k]"
