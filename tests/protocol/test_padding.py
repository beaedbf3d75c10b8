"""Padmé padding: what it hides, what it costs, and what `unpad` refuses."""

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerpost_protocol.errors import MalformedError
from peerpost_protocol.padding import MINIMUM_PADDED, pad, padded_length, padme_length, unpad

contents = st.binary(max_size=2000)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(0, 0), (1, 1), (2, 2), (8, 8), (9, 10), (257, 272), (1000, 1024), (1 << 20, 1 << 20)],
)
def test_padme_lengths_follow_the_paper(length: int, expected: int) -> None:
    assert padme_length(length) == expected


@given(st.integers(1, 1 << 60))
def test_padme_costs_at_most_twelve_percent(length: int) -> None:
    assert length <= padme_length(length) <= length * 112 // 100


@given(st.integers(1, 1 << 60))
def test_a_padme_length_stays_what_it_is(length: int) -> None:
    assert padme_length(padme_length(length)) == padme_length(length)


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_longer_contents_are_never_padded_to_less(one: int, other: int) -> None:
    shorter, longer = sorted((one, other))
    assert padded_length(shorter) <= padded_length(longer)


def test_a_megabyte_of_lengths_falls_into_few_classes() -> None:
    lengths = {padded_length(n) for n in range(0, 1 << 20, 16)}
    assert len(lengths) < 300


@given(contents)
def test_padded_contents_come_back_unchanged(data: bytes) -> None:
    assert len(pad(data)) == padded_length(len(data))
    assert unpad(pad(data)) == data


@pytest.mark.parametrize("length", [0, 1, 100, MINIMUM_PADDED - 1])
def test_short_contents_all_look_alike(length: int) -> None:
    assert len(pad(b"x" * length)) == MINIMUM_PADDED


def test_contents_ending_like_padding_come_back_unchanged() -> None:
    data = b"text\x80\x00\x00"
    assert unpad(pad(data)) == data


@given(contents, st.integers(-300, 300))
def test_a_length_that_pad_would_not_choose_is_refused(data: bytes, change: int) -> None:
    padded = pad(data)
    changed = padded[:change] if change < 0 else padded + bytes(change)
    with pytest.raises(MalformedError) if change else nullcontext():
        assert unpad(changed) == data


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        b"\x80",
        bytes(MINIMUM_PADDED),
        b"x" * MINIMUM_PADDED,
        pad(b"data")[:-1],
        pad(b"data") + b"\x00",
        pad(b"data") + bytes(16),
        pad(b"data")[:-1] + b"\x01",
    ],
)
def test_malformed_padding_is_refused(padded: bytes) -> None:
    with pytest.raises(MalformedError):
        unpad(padded)
