"""The relay inserts a device for alice, so that everybody seals for it too.

It can write into a history what it likes, and cannot sign. Bob, who reads the history, refuses an entry that alice's
cards did not sign; what the relay may say by itself, that an identity begins, gives a card that descends from none he
knows.
"""

from pathlib import Path

import pytest

from peerpost_protocol import frames as f
from peerpost_protocol.errors import HistoryError, ProtocolError, SignatureError
from peerpost_protocol.history import Began, HistoryEntry, open_history
from peerpost_protocol.statement import Endorse
from tests.support.identities import RELAY, begun, device, endorsed, stated
from tests.support.people import Person, person
from tests.support.relay_client import Person as Client
from tests.support.relay_client import RelayClient
from tests.support.relay_server import running_relay

ALICE, INSERTED = person("alice"), person("alice", device="of the relay")
BEGUN = begun(ALICE)
BEGINNING = Began(ALICE.card.signed)


def _forged(author: Person) -> HistoryEntry:
    """Return an endorsement in alice's name that another key has signed."""
    phone = device("alice", "of the relay", ALICE)
    return stated(BEGUN, Person(author.keys, ALICE.card), phone, Endorse())


def _read(*entries: HistoryEntry) -> None:
    open_history((BEGINNING, *entries), RELAY.public)


def test_an_endorsement_that_alice_did_not_sign_is_refused() -> None:
    with pytest.raises(SignatureError):
        _read(_forged(INSERTED))


def test_a_card_that_endorses_itself_is_refused() -> None:
    phone = device("alice", "of the relay", ALICE)
    with pytest.raises(HistoryError) as refused:
        _read(stated(BEGUN, phone, phone, Endorse()))
    assert refused.value.kind == "not_endorsed"


def test_a_second_beginning_beside_a_live_card_is_refused() -> None:
    with pytest.raises(HistoryError) as refused:
        _read(Began(INSERTED.card.signed))
    assert refused.value.kind == "identity_taken"


def test_a_beginning_of_the_relays_own_makes_nothing_descend_from_alices_card() -> None:
    false = endorsed(begun(INSERTED), INSERTED, ALICE)
    assert false.descendants([ALICE.card.id]) == {ALICE.card.id}


async def test_a_page_with_an_inserted_entry_does_not_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(_: object, request: int, identity: str, __: int) -> f.HistoryPage:
        return f.HistoryPage(request, identity, (BEGINNING, _forged(INSERTED)), 2)

    monkeypatch.setattr("peerpost_relay.histories.page", page)
    async with (
        running_relay(tmp_path) as relay,
        await RelayClient.register(relay.url, Client("bob@example.org")) as bob,
    ):
        said = await bob.ask(f.ReadHistory(1, ALICE.identity, 0))
        assert isinstance(said, f.HistoryPage)
        with pytest.raises(ProtocolError):
            open_history(said.entries, RELAY.public)
