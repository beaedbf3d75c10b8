"""Somebody reads out a safety number that differs in one digit, because a relay stands between the two.

One digit is all that may give it away: no number but the whole one verifies.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.safety_number import DIGITS, safety_number
from tests.daemon.methods.house import ALICE, BOB, House, house
from tests.support.people import person

NUMBER = safety_number([ALICE.card], [BOB.card])


@pytest.fixture
async def alice(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        await made.open()
        yield made


@pytest.mark.parametrize("place", range(0, DIGITS, 7))
async def test_one_other_digit_verifies_nobody(alice: House, place: int) -> None:
    await alice.met(BOB)
    digit = str((int(NUMBER[place]) + 1) % 10)
    other = NUMBER[:place] + digit + NUMBER[place + 1 :]
    error = await alice.error("contact.verify", identity=BOB.identity, safety_number=other)
    assert error["kind"] == "safety_number_differs"
    assert (await alice.result("contact.show", identity=BOB.identity))["state"] == "pinned"


async def test_a_card_between_the_two_gives_both_another_number(alice: House) -> None:
    between = person("bob", device="between")
    await alice.met(between)
    error = await alice.error("contact.verify", identity=BOB.identity, safety_number=NUMBER)
    assert error["kind"] == "safety_number_differs"
