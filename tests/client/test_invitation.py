"""What is read of an invitation, and what is refused."""

import pytest

from peerpost.errors import UsageError
from peerpost.invitation import Invitation, read
from peerpost_relay.invitations import invitation

KEY = "0f" * 32
TOKEN = "pp_secret"
GOOD = f"peerpost://join?relay=wss%3A%2F%2Frelay.example.org%3A8437%2Fv1&key={KEY}&token={TOKEN}"
EXPECTED = Invitation("wss://relay.example.org:8437/v1", KEY, TOKEN)


def test_what_the_relay_writes_is_read() -> None:
    assert invitation(EXPECTED.relay, bytes.fromhex(KEY), TOKEN) == GOOD
    assert read(GOOD) == EXPECTED


def test_parts_that_are_not_known_are_passed_over() -> None:
    assert read(GOOD + "&colour=blue") == EXPECTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://join?relay=x&key=y&token=z",
        GOOD.replace("join?", "joined?"),
        GOOD.replace("join?", "join/elsewhere?"),
        GOOD.replace(f"&key={KEY}", ""),
        GOOD.replace(KEY, KEY.upper()),
        GOOD.replace(KEY, KEY + "00"),
        GOOD + f"&key={KEY}",
        GOOD + "&" + "x=1&" * 20,
        GOOD + "\n",
        GOOD + "&x=" + "1" * 2048,
        "peerpost://[join?relay=x",
    ],
)
def test_what_is_no_invitation_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="That is no invitation") as caught:
        read(text)
    assert TOKEN not in str(caught.value)


def test_its_representation_shows_no_token() -> None:
    assert TOKEN not in repr(read(GOOD))
