"""Mallory registers an identity that reads like alice's: other capitals, another Unicode form, letters that look alike.

An identity on the wire is ASCII and lower case (docs/protocol/identity.md). What people type is folded or refused;
what a client writes into a card in another form is refused, by everybody who opens the card.
"""

from pathlib import Path

import msgspec
import pytest

from peerpost_protocol import frames as f
from peerpost_protocol.errors import MalformedError
from peerpost_protocol.identity import normalise
from peerpost_protocol.signing import CARD_TYPE
from peerpost_protocol.wire import encode
from peerpost_relay import tokens
from tests.support.relay_client import Person, RelayClient, refusal
from tests.support.relay_server import running_relay

ALICE = "alice@example.org"
LOOKALIKES = [
    "\u0430lice@example.org",  # Cyrillic a
    "al\u0131ce@example.org",  # dotless i
    "a\u217cice@example.org",  # small roman numeral fifty
    "\uff41lice@example.org",  # fullwidth
    "alic\u0065\u0301@example.org",  # a combining accent
    "alice@ex\u00e4mple.org",
    "alice@example\u3002org",  # ideographic full stop
    "alice\u200b@example.org",  # zero width space
    "\u212alice@example.org".replace("lice", "elly"),  # the Kelvin sign, whose lower case is k
]


@pytest.mark.parametrize("typed", ["Alice@Example.ORG", " alice@example.org ", "ALICE@EXAMPLE.ORG"])
def test_capitals_and_space_are_the_same_identity(typed: str) -> None:
    assert normalise(typed) == ALICE


@pytest.mark.parametrize("typed", LOOKALIKES)
def test_what_only_looks_like_an_identity_is_none(typed: str) -> None:
    for read in (normalise, tokens.pattern_of):
        with pytest.raises(MalformedError):
            read(typed)


@pytest.mark.parametrize("written", ["Alice@example.org", *LOOKALIKES])
async def test_the_relay_takes_no_card_in_another_form(tmp_path: Path, written: str) -> None:
    mallory = Person("mallory@example.org")
    body = msgspec.structs.replace(mallory.card.body, identity=written)
    signed = mallory.keys.signing.sign(CARD_TYPE, encode(body))
    async with running_relay(tmp_path) as relay, await RelayClient.connect(relay.url) as client:
        await client.greet()
        said = await client.ask(f.PublishCard(1, signed, None))
        assert refusal(said) == "malformed"
        assert isinstance(said, f.Refused)
        assert said.field == "card.identity"
