"""Proofs by e-mail: a code comes by a real mail, holds for one card, once, and for a while."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from peerpost_protocol import frames as f
from peerpost_protocol.frames import Attestation
from peerpost_protocol.refusals import Refusal
from peerpost_relay import codes
from peerpost_relay.settings import RelaySettings
from tests.support.mailbox import Mailbox, mailbox
from tests.support.relay_client import Person, RelayClient, now_ms, refusal
from tests.support.relay_server import RunningRelay, running_relay

CARD = Person("alice@example.org").card
CLOSED = RelaySettings(drain_seconds=5.0, close_seconds=1.0)
OPEN = RelaySettings(allow_unverified=True, drain_seconds=5.0, close_seconds=1.0)


class Clock:
    """Be the relay's clock, moved by tests."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return now_ms() + self.ahead_ms


class Office:
    """Be a relay that sends codes, and the mailbox that they come to."""

    def __init__(self, relay: RunningRelay, box: Mailbox, clock: Clock) -> None:
        self.relay = relay
        self.box = box
        self.clock = clock


@asynccontextmanager
async def office(
    folder: Path, settings: RelaySettings = OPEN, **mail: object
) -> AsyncIterator[Office]:
    clock = Clock()
    async with (
        mailbox() as box,
        running_relay(folder, settings, clock=clock, mail=box.settings(**mail)) as relay,
    ):
        yield Office(relay, box, clock)


async def greeted(relay: RunningRelay) -> RelayClient:
    client = await RelayClient.connect(relay.url)
    await client.greet()
    return client


async def start(client: RelayClient, who: Person) -> f.RelayFrame:
    return await client.ask(f.StartProof(client.request(), who.card.signed))


async def confirm(client: RelayClient, who: Person, code: str) -> f.RelayFrame:
    return await client.ask(f.ConfirmProof(client.request(), who.card.signed, code))


async def attestation(client: RelayClient, who: Person) -> Attestation:
    found = await client.search(who.card.identity)
    assert isinstance(found, f.Cards)
    return found.records[0].attestation


async def test_the_right_code_verifies_a_published_card(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    async with (
        office(tmp_path) as at,
        await RelayClient.register(at.relay.url, alice) as client,
    ):
        assert await attestation(client, alice) is Attestation.UNVERIFIED
        assert isinstance(await start(client, alice), f.Accepted)
        said = await confirm(client, alice, await at.box.code())
        assert isinstance(said, f.Accepted)
        assert await attestation(client, alice) is Attestation.VERIFIED


async def test_where_a_proof_is_needed_it_publishes_the_card(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    async with office(tmp_path, CLOSED) as at:
        client = await greeted(at.relay)
        assert refusal(await client.publish_card(alice)) == Refusal.PROOF_REQUIRED
        assert isinstance(await start(client, alice), f.Accepted)
        code = (await at.box.code()).lower().replace("-", " ")  # as people type
        assert isinstance(await confirm(client, alice, code), f.Accepted)
        welcome = await client.authenticate(alice)
        assert welcome.attestation is Attestation.VERIFIED
        await client.close()


async def test_a_proven_second_card_still_waits_for_its_endorsement(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    phone = Person("alice@example.org", endorser=alice.card.id)
    async with office(tmp_path) as at, await RelayClient.register(at.relay.url, alice) as client:
        other = await greeted(at.relay)
        await start(other, phone)
        assert isinstance(await confirm(other, phone, await at.box.code()), f.Accepted)
        found = await client.search(phone.card.identity)
        assert isinstance(found, f.Cards)
        assert [record.card for record in found.records] == [alice.card.signed]
        await other.close()


async def test_a_proven_first_card_of_a_taken_identity_is_refused_and_keeps_its_code(
    tmp_path: Path,
) -> None:
    alice, again = Person("alice@example.org"), Person("alice@example.org")
    async with office(tmp_path) as at, await RelayClient.register(at.relay.url, alice) as client:
        other = await greeted(at.relay)
        assert isinstance(await start(other, again), f.Accepted)  # tells nothing
        code = await at.box.code()
        for _ in range(2):
            said = await confirm(other, again, code)
            assert isinstance(said, f.Refused)
            assert (said.kind, said.subject) == (Refusal.IDENTITY_TAKEN, alice.card.id)
        await other.close()
        assert await attestation(client, alice) is Attestation.UNVERIFIED


async def test_a_newer_code_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    async with office(tmp_path) as at, await RelayClient.register(at.relay.url, alice) as client:
        await start(client, alice)
        await start(client, alice)
        old, new = await at.box.code(1), await at.box.code(2)
        assert refusal(await confirm(client, alice, old)) == Refusal.CODE_REFUSED
        assert isinstance(await confirm(client, alice, new), f.Accepted)


async def test_a_relay_without_mail_offers_no_proof(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    async with (
        running_relay(tmp_path) as relay,
        await RelayClient.register(relay.url, alice) as client,
    ):
        assert refusal(await start(client, alice)) == Refusal.NOT_OFFERED
        assert relay.relay.information()["sends_codes"] is False


async def test_a_published_card_is_proven_by_its_own_session_alone(tmp_path: Path) -> None:
    alice, mallory = Person("alice@example.org"), Person("mallory@example.org")
    async with office(tmp_path) as at:
        for who in (alice, mallory):
            await (await RelayClient.register(at.relay.url, who)).close()
        stranger = await greeted(at.relay)
        assert refusal(await start(stranger, alice)) == Refusal.NOT_AUTHENTICATED
        async with await RelayClient.connect(at.relay.url, mallory) as client:
            assert refusal(await start(client, alice)) == Refusal.NOT_AUTHENTICATED
            assert refusal(await confirm(client, alice, "x")) == Refusal.NOT_AUTHENTICATED
        await stranger.close()
        assert at.box.mails == []


def test_codes_are_random_and_are_read_however_they_are_typed() -> None:
    made = {codes.make_code(os.urandom) for _ in range(100)}
    assert len(made) == 100
    assert all(len(code) == 9 and set(code) <= {*codes.ALPHABET, "-"} for code in made)
    first = codes.digest_of(b"k", CARD, "ABCD-2345")
    assert first == codes.digest_of(b"k", CARD, " abcd 23 45\t")
    assert first != codes.digest_of(b"k", Person("alice@example.org").card, "ABCD-2345")
    assert first != codes.digest_of(b"l", CARD, "ABCD-2345")


def test_the_alphabet_has_as_many_letters_as_divide_a_byte() -> None:
    assert len(set(codes.ALPHABET)) == 32


@pytest.mark.parametrize("code", ["\u017f", "\ud7ff", "\u212a" * 8, "-" * 32])
def test_no_code_fails_unforeseen(code: str) -> None:
    assert len(codes.digest_of(b"k", CARD, code)) == 32
