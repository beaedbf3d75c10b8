"""Frames: every one comes back, every fault names its field, and the largest fit a message."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peerpost_protocol import limits
from peerpost_protocol.errors import MalformedError, TooLargeError
from peerpost_protocol.frames import (
    CardNotice,
    CardRecord,
    Cards,
    ClientFrame,
    Deliver,
    Hello,
    HistoryPage,
    Item,
    Publish,
    PublishCard,
    RelayFrame,
    RosterPage,
    StreamPage,
    decode_client_frame,
    decode_relay_frame,
    decode_signed,
    encode_frame,
)
from peerpost_protocol.history import Stated
from peerpost_protocol.signing import Signed
from tests.support.people import person
from tests.support.wire_values import largest, values

CLIENT, RELAY = get_args(ClientFrame), get_args(RelayFrame)
HELLO = Hello(1, bytes(32), "tests")
SIGNED = person("alice").card.signed

# What these hold is closed by its bytes and not by its count: their senders keep the bounds below.
BY_BYTES = {Cards, RosterPage, StreamPage, Deliver, HistoryPage, CardNotice}


def raw(*elements: object) -> bytes:
    return msgspec.msgpack.encode(elements)


def fault(data: bytes) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        decode_client_frame(data)
    return caught.value


@pytest.mark.parametrize("frame", CLIENT, ids=lambda frame: frame.__name__)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_client_frame_comes_back(frame: Any, data: st.DataObject) -> None:
    value = data.draw(values(frame))
    assert decode_client_frame(encode_frame(value)) == value


@pytest.mark.parametrize("frame", RELAY, ids=lambda frame: frame.__name__)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_relay_frame_comes_back(frame: Any, data: st.DataObject) -> None:
    value = data.draw(values(frame))
    assert decode_relay_frame(encode_frame(value)) == value


def test_a_signed_statement_comes_back() -> None:
    assert decode_signed(msgspec.msgpack.encode(SIGNED)) == SIGNED


@pytest.mark.parametrize("tag", ["nonsense", "welcome", "Hello", "", "card"])
def test_an_unknown_tag_is_refused_by_name(tag: str) -> None:
    assert fault(raw(tag, 1, bytes(32), "tests")).field == "frame.tag"


@pytest.mark.parametrize("tag", [1, None, b"hello", ["hello"], {}, True])
def test_a_tag_that_is_no_string_is_refused(tag: object) -> None:
    assert str(fault(raw(tag, 1, bytes(32), "tests")).field).startswith("frame")


def test_the_relay_does_not_speak_like_a_client() -> None:
    with pytest.raises(MalformedError) as caught:
        decode_relay_frame(encode_frame(HELLO))
    assert caught.value.field == "frame.tag"


def test_bytes_behind_a_frame_are_refused() -> None:
    assert "trailing" in fault(encode_frame(HELLO) + b"\x00").detail


def test_one_element_too_many_is_refused() -> None:
    assert fault(raw("hello", 1, bytes(32), "tests", None)).field == "frame"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_first_missing_element_is_named(count: int) -> None:
    elements = ("hello", 1, bytes(32), "tests")[:count]
    missing = ("version", "client_nonce", "agent")[count - 1]
    assert fault(raw(*elements)).field == f"frame.{missing}"


def test_a_missing_element_of_a_part_is_named_by_the_part() -> None:
    assert fault(raw("publish_card", 1, (b"payload",), None)).field == "frame.card[1]"


@pytest.mark.parametrize(
    ("elements", "field"),
    [
        (("hello", "1", bytes(32), "tests"), "version"),
        (("hello", 1.0, bytes(32), "tests"), "version"),
        (("hello", True, bytes(32), "tests"), "version"),
        (("hello", -1, bytes(32), "tests"), "version"),
        (("hello", 2**63, bytes(32), "tests"), "version"),
        (("hello", 1, "x" * 32, "tests"), "client_nonce"),
        (("hello", 1, bytes(31), "tests"), "client_nonce"),
        (("hello", 1, bytes(33), "tests"), "client_nonce"),
        (("hello", 1, {(): 1}, "tests"), "client_nonce"),
        (("hello", 1, bytes(32), b"tests"), "agent"),
        (("hello", 1, bytes(32), "x" * 65), "agent"),
        (("hello", 1, bytes(32), None), "agent"),
        (("search_cards", 2**32, ("a@b",)), "request"),
        (("search_cards", 1, ()), "identities"),
        (("search_cards", 1, ("a@b",) * 65), "identities"),
        (("search_cards", 1, ("a@b", "B@b")), "identities[1]"),
        (("fetch_cards", 1, (bytes(31),)), "cards[0]"),
        (("publish", 1, b""), "envelope"),
        (("publish", 1, bytes(limits.MAX_ENVELOPE + 1)), "envelope"),
        (("publish_card", 1, (b"x", bytes(63)), None), "card[1]"),
        (("publish_card", 1, (b"", bytes(64)), None), "card[0]"),
        (("publish_card", 1, (bytes(limits.MAX_SIGNED + 1), bytes(64)), None), "card[0]"),
        (("publish_card", 1, (b"x", bytes(64)), ""), "token"),
        (("publish_card", 1, (b"x", bytes(64)), "x" * 129), "token"),
        (("read_stream", 1, bytes(32), 0, 0), "limit"),
        (("read_stream", 1, bytes(32), 0, 257), "limit"),
        (("subscribe", 1, ((bytes(32), 0, -1),), True), "cursors[0][2]"),
        (("subscribe", 1, (), 1), "everything"),
    ],
)
def test_a_field_outside_its_form_is_refused_by_name(elements: Any, field: str) -> None:
    assert fault(raw(*elements)).field == f"frame.{field}"


@pytest.mark.parametrize("data", [b"", b"\xc0", b"\x90", b"\x80", b"\xc1", b"\xdd\xff\xff\xff\xff"])
def test_what_is_no_array_is_refused(data: bytes) -> None:
    assert str(fault(data).field).startswith("frame")


def test_text_that_is_no_utf_8_is_refused() -> None:
    data = encode_frame(HELLO).replace(b"tests", b"te\xff\xfes")
    assert fault(data).kind == "malformed"


def test_deep_nesting_is_refused() -> None:
    assert fault(b"\x92\xa5hello" + b"\x91" * 100_000).kind == "malformed"


def test_a_frame_over_its_bound_is_refused_unread() -> None:
    assert fault(bytes(limits.MAX_FRAME + 1)).kind == "too_large"
    with pytest.raises(TooLargeError):
        encode_frame(Publish(1, bytes(limits.MAX_FRAME)))


def test_lone_surrogates_and_huge_numbers_are_not_sent() -> None:
    for frame in (Hello(1, bytes(32), "\ud800"), Hello(2**64, bytes(32), "")):
        with pytest.raises(MalformedError):
            encode_frame(frame)


@pytest.mark.parametrize("frame", sorted({*CLIENT, *RELAY} - BY_BYTES, key=repr), ids=repr)
def test_the_largest_frame_fits_a_message(frame: Any) -> None:
    assert largest(frame) <= limits.MAX_FRAME


def test_the_fullest_answer_of_cards_fits_a_message() -> None:
    rest = largest(CardRecord) - limits.MAX_SIGNED
    assert limits.MAX_CARDS_PER_ANSWER * (rest + limits.MAX_CARD) + 64 <= limits.MAX_FRAME


def test_the_fullest_page_of_a_history_fits_a_message() -> None:
    rest = largest(Stated) - 2 * limits.MAX_SIGNED
    most = rest + limits.MAX_CARD + limits.MAX_STATEMENT
    assert limits.MAX_HISTORY_ENTRIES_PER_FRAME * most + 2048 <= limits.MAX_FRAME


@pytest.mark.parametrize("count", [limits.MAX_ITEMS_PER_FRAME])
def test_a_frame_of_items_closed_at_its_bytes_fits_a_message(count: int) -> None:
    overhead = count * (largest(Item) - limits.MAX_ENVELOPE) + 128
    # The last item may start just below the bound.
    assert limits.MAX_ITEM_BYTES_PER_FRAME + limits.MAX_ENVELOPE + overhead <= limits.MAX_FRAME


def test_a_page_of_a_roster_closed_at_its_bytes_fits_a_message() -> None:
    overhead = limits.MAX_ROSTER_EVENTS_PER_FRAME * (largest(Signed) - limits.MAX_SIGNED) + 128
    most = limits.MAX_ITEM_BYTES_PER_FRAME + limits.MAX_SIGNED + overhead
    assert most <= limits.MAX_FRAME


def test_frames_that_carry_others_keep_them_whole() -> None:
    frame = decode_client_frame(encode_frame(PublishCard(1, SIGNED, "token")))
    assert isinstance(frame, PublishCard)
    assert frame.card.payload == SIGNED.payload
