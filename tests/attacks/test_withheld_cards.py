"""The relay answers a question for cards by their ids with other cards, or with none.

A card is its id: another one is no answer. What cannot be verified for lack of a card is not shown and is told; when
the relay is honest again, the next session brings it.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_protocol.frames import CardRecord, Cards, RelayFrame
from tests.attacks.scene import ALICE, CAROL, Scene, scene
from tests.support.malicious_relay import honest
from tests.support.relay_client import Person


def _say(s: Scene, ear: bytes, records: tuple[CardRecord, ...]) -> None:
    def say(whose: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
        lie = isinstance(said, Cards) and whose == ear
        return [replace(said, records=records) if lie else said]

    s.relay.say = say


@pytest.mark.parametrize("answer", ["another card", "none"])
async def test_only_the_card_with_the_id_verifies_its_owners_words(
    tmp_path: Path, answer: str
) -> None:
    async with scene(tmp_path) as s:
        carol = await s.join(CAROL)
        fake = Person(ALICE).card.signed
        record = await s.relay._store.read(lambda t: t.records([s.mallory.card.id])[0])
        given = (replace(record, card=fake),) if answer == "another card" else ()
        _say(s, carol.card.id, given)
        both = await s.alice.channel("both", CAROL)
        await s.alice.send(both, "hello carol")
        await carol.told("quarantine", reason="unknown_card")
        assert await carol.texts(both) == []
        assert await carol.pinned(ALICE) == []
        s.relay.say = honest
        carol.engine._link.reconnect()
        await carol.shows(both, "hello carol")
        assert await carol.pinned(ALICE) == [s.alice.card.id]
