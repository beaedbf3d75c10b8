"""Chains: every row of the table."""

import msgspec
import pytest

from peerpost_protocol.chain import Link, Step, missing, step
from peerpost_protocol.envelope import Header
from tests.support.people import channel_of, digest, opened, person, sealed

ALICE = person("alice")
FIRST = opened(sealed(ALICE, channel_of(ALICE)), ALICE).header
LAST, ID = digest("last"), digest("this")


def header(sequence: int, previous: bytes | None) -> Header:
    return msgspec.structs.replace(FIRST, sequence=sequence, previous=previous)


@pytest.mark.parametrize(
    ("last", "sequence", "previous", "known", "expected"),
    [
        (None, 1, None, None, Step.NEXT),
        (None, 1, LAST, None, Step.GAP),
        (None, 7, LAST, None, Step.GAP),
        (None, 7, None, None, Step.GAP),
        (5, 6, LAST, None, Step.NEXT),
        (5, 6, digest("another"), None, Step.FORK),
        (5, 6, None, None, Step.FORK),
        (5, 7, LAST, None, Step.GAP),
        (5, 5, digest("4"), ID, Step.REPLAY),
        (5, 5, digest("4"), digest("another"), Step.FORK),
        (5, 3, digest("2"), ID, Step.REPLAY),
        (5, 3, digest("2"), digest("another"), Step.FORK),
        (5, 3, digest("2"), None, Step.GAP),
    ],
)
def test_each_row_of_the_table(
    last: int | None, sequence: int, previous: bytes | None, known: bytes | None, expected: Step
) -> None:
    link = Link(last, LAST) if last else None
    assert step(link, header(sequence, previous), ID, known) is expected


def test_what_lies_between_is_missing() -> None:
    assert list(missing(Link(5, LAST), header(9, LAST))) == [6, 7, 8]
    assert list(missing(Link(5, LAST), header(6, LAST))) == []
    assert list(missing(None, header(3, LAST))) == [1, 2]
