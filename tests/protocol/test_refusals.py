"""Refusals: each has a meaning and a length that fits its field."""

from peerpost_protocol import limits
from peerpost_protocol.refusals import COME_BACK, MEANING, Refusal


def test_every_refusal_has_a_meaning() -> None:
    assert set(MEANING) == set(Refusal)
    assert len(set(MEANING.values())) == len(Refusal)


def test_every_refusal_fits_its_fields() -> None:
    assert max(map(len, Refusal)) <= limits.MAX_KIND_CHARACTERS
    assert max(map(len, MEANING.values())) <= limits.MAX_DETAIL_CHARACTERS


def test_coming_back_helps_only_where_nothing_was_wrong_with_the_request() -> None:
    assert {Refusal.SHUTTING_DOWN, Refusal.TOO_MANY_REQUESTS} <= COME_BACK
    assert not COME_BACK & {Refusal.BAD_SIGNATURE, Refusal.MALFORMED, Refusal.NOT_A_MEMBER}
