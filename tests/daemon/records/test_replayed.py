"""Histories are remembered by their heads, as many bytes of them as may be."""

from msgspec.structs import replace

from peerpost_daemon.records.replayed import Replayed
from tests.support.identities import begun
from tests.support.people import digest, person

HISTORY = begun(person("alice"))
HEADS = [digest(str(number)) for number in range(4)]


def test_those_that_were_asked_for_longest_ago_give_way() -> None:
    made = Replayed(max_bytes=30)
    for head in HEADS[:3]:
        made.keep(head, replace(HISTORY, head=head), 10)
    assert made.find(HEADS[0]) is not None
    made.keep(HEADS[3], replace(HISTORY, head=HEADS[3]), 10)
    assert [made.find(head) is not None for head in HEADS] == [True, False, True, True]
    assert made.bytes == 30


def test_one_that_is_larger_than_the_bound_is_not_kept() -> None:
    made = Replayed(max_bytes=30)
    made.keep(HEADS[0], HISTORY, 31)
    assert (made.find(HEADS[0]), made.bytes) == (None, 0)


def test_the_same_again_counts_once() -> None:
    made = Replayed(max_bytes=30)
    for size in (10, 12):
        made.keep(HEADS[0], HISTORY, size)
    assert made.bytes == 12
