"""Search by domain: only where the operator allows it, whole identities a page, nothing of other domains."""

from pathlib import Path

import pytest

from peerpost_protocol import frames as f
from peerpost_protocol.refusals import Refusal
from peerpost_relay.settings import RelaySettings
from tests.support.relay_client import Person, RelayClient, refusal
from tests.support.relay_server import RunningRelay, running_relay
from tests.support.stating import link

ALLOWED = RelaySettings(
    allow_unverified=True, allow_domain_search=True, drain_seconds=5.0, close_seconds=1.0
)


async def found(client: RelayClient, domain: str, after: str | None = None) -> list[bytes]:
    answer = await client.ask(f.SearchDomain(client.request(), domain, after))
    assert isinstance(answer, f.Cards), answer
    return [record.card.payload for record in answer.records]


async def test_it_is_not_offered_unless_the_operator_allows_it(relay: RunningRelay) -> None:
    async with await RelayClient.register(relay.url, Person("alice@example.org")) as client:
        answer = await client.ask(f.SearchDomain(9, "example.org", None))
        assert refusal(answer) == Refusal.NOT_OFFERED


async def test_all_live_cards_of_the_domain_are_found_by_identity(tmp_path: Path) -> None:
    names = ("carol@example.org", "alice@example.org", "bob@sub.example.org", "eve@example.com")
    people = {name: Person(name) for name in names}
    async with running_relay(tmp_path, ALLOWED) as relay:
        for person in people.values():
            await (await RelayClient.register(relay.url, person)).close()
        async with await RelayClient.connect(relay.url, people["carol@example.org"]) as client:
            phone, at_phone = await link(relay.url, client, people["carol@example.org"])
            alice, carol = people["alice@example.org"], people["carol@example.org"]
            whole = [who.card.signed.payload for who in (alice, carol, phone)]
            assert await found(client, "example.org") == whole
            assert await found(client, "example.org", "alice@example.org") == whole[1:]
            assert await found(client, "example.org", "carol@example.org") == []
            await at_phone.close()


async def test_an_identity_is_never_divided_between_two_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerpost_relay.directory.MAX_CARDS_PER_ANSWER", 2)
    alice, bob = Person("alice@example.org"), Person("bob@example.org")
    async with running_relay(tmp_path, ALLOWED) as relay:
        await (await RelayClient.register(relay.url, alice)).close()
        async with await RelayClient.register(relay.url, bob) as client:
            phone, at_phone = await link(relay.url, client, bob)
            assert await found(client, "example.org") == [alice.card.signed.payload]
            rest = [bob.card.signed.payload, phone.card.signed.payload]
            assert await found(client, "example.org", "alice@example.org") == rest
            await at_phone.close()
