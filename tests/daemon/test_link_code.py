"""Link codes: they name one card, however they are typed."""

import pytest

from peerpost_daemon.link_code import code_of, names, text_of
from tests.support.people import digest

CARD, OTHER = digest("card"), digest("other")
CODE = code_of(CARD)


@pytest.mark.parametrize(
    "said", [CODE, f" {CODE[:5]} {CODE[5:10]}-{CODE[10:]}\n", text_of(CARD), text_of(CARD).upper()]
)
def test_a_code_names_its_card_and_no_other(said: str) -> None:
    assert len(CODE) == 20
    assert names(said, CARD)
    assert not names(said, OTHER)


@pytest.mark.parametrize("said", ["", CODE[:19], CODE + "0", text_of(CARD)[:-1]])
def test_a_part_of_a_code_names_nothing(said: str) -> None:
    assert not names(said, CARD)
