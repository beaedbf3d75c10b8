"""Safety numbers: Signal's published construction, the same on both sides, another for every other card."""

import pytest

from peerpost_daemon.safety_number import (
    PREFIX,
    grouped,
    numeric_fingerprint,
    read_number,
    safety_number,
)
from tests.support.people import person

ALICE, PHONE, BOB = person("alice"), person("alice", device="phone"), person("bob")
# libsignal, NumericFingerprintGeneratorTest, version 1
PUBLISHED = "300354477692869396892869876765458257569162576843440918079131"
ALICE_KEY = bytes.fromhex("0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868")
BOB_KEY = bytes.fromhex("05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b")


def test_the_published_vector_comes_out() -> None:
    sides = (b"+14152222222", [ALICE_KEY]), (b"+14153333333", [BOB_KEY])
    assert numeric_fingerprint(*sides) == numeric_fingerprint(*reversed(sides)) == PUBLISHED


def test_both_sides_see_the_same_whatever_the_order_of_their_cards() -> None:
    ours, theirs = [ALICE.card, PHONE.card], [BOB.card]
    assert safety_number(ours, theirs) == safety_number(theirs, ours[::-1])


def test_another_card_gives_another_number() -> None:
    assert safety_number([ALICE.card], [BOB.card]) != safety_number([PHONE.card], [BOB.card])


@pytest.mark.parametrize("form", ["{0}", " {1}\n", f"{PREFIX}{{0}}\n"])
def test_a_number_is_read_as_people_and_cameras_write_it(form: str) -> None:
    assert read_number(form.format(PUBLISHED, grouped(PUBLISHED))) == PUBLISHED


@pytest.mark.parametrize(
    "text", ["", PUBLISHED[1:], PUBLISHED + "1", "x" + PUBLISHED[1:], "٣" * 60]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_number(text) is None
