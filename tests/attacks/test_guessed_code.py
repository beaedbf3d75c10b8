"""Mallory wants a card of hers to be verified as alice, and guesses the code.

Or she uses one again, uses one that alice was sent for another card, or comes too late. She asks for codes until alice
has enough of them, and reads the relay's store.

The mails go through a real SMTP server, and what is stored is what it has taken.
"""

import asyncio
from pathlib import Path

import pytest

from peerpost_protocol import frames as f
from peerpost_protocol.card import issue_card
from peerpost_protocol.frames import Attestation
from peerpost_protocol.refusals import Refusal
from tests.relay.test_proofs import CLOSED, OPEN, attestation, confirm, greeted, office, start
from tests.support.relay_client import Person, RelayClient, now_ms, refusal

ALICE = "alice@example.org"


def _bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_a_code_dies_after_a_few_wrong_tries(tmp_path: Path) -> None:
    alice = Person(ALICE)
    async with (
        office(tmp_path, code_tries=3) as at,
        await RelayClient.register(at.relay.url, alice) as client,
    ):
        await start(client, alice)
        code = await at.box.code()
        wrong = "2222-2222" if code != "2222-2222" else "3333-3333"
        for _ in range(3):
            assert refusal(await confirm(client, alice, wrong)) == Refusal.CODE_REFUSED
        assert refusal(await confirm(client, alice, code)) == Refusal.CODE_REFUSED
        assert await attestation(client, alice) is Attestation.UNVERIFIED


async def test_a_stranger_who_guesses_is_sent_away(tmp_path: Path) -> None:
    mallory = Person(ALICE)
    async with office(tmp_path, CLOSED) as at:
        client = await greeted(at.relay)
        await start(client, mallory)
        await at.box.code()
        for _ in range(3):
            assert refusal(await confirm(client, mallory, "x")) == Refusal.CODE_REFUSED
        assert isinstance(await client.next(), f.Closing)
        await client.close()


async def test_a_code_holds_once(tmp_path: Path) -> None:
    alice = Person(ALICE)
    async with office(tmp_path) as at, await RelayClient.register(at.relay.url, alice) as client:
        await start(client, alice)
        code = await at.box.code()
        assert isinstance(await confirm(client, alice, code), f.Accepted)
        assert refusal(await confirm(client, alice, code)) == Refusal.CODE_REFUSED


async def test_a_code_holds_for_its_card_alone(tmp_path: Path) -> None:
    alice, mallory = Person(ALICE), Person(ALICE)
    async with office(tmp_path, CLOSED) as at:
        client = await greeted(at.relay)
        await start(client, alice)
        code = await at.box.code()
        assert refusal(await confirm(client, mallory, code)) == Refusal.CODE_REFUSED
        assert isinstance(await start(client, mallory), f.Accepted)
        assert refusal(await confirm(client, mallory, code)) == Refusal.CODE_REFUSED
        assert isinstance(await confirm(client, alice, code), f.Accepted)
        await client.close()


async def test_a_code_proves_no_other_identity_of_the_same_key(tmp_path: Path) -> None:
    mallory = Person("mallory@example.org")
    as_alice = Person(ALICE)
    as_alice.keys = mallory.keys
    as_alice.card = issue_card(mallory.keys, ALICE, "test", now_ms())
    async with office(tmp_path, CLOSED) as at:
        client = await greeted(at.relay)
        await start(client, mallory)
        code = await at.box.code()
        assert refusal(await confirm(client, as_alice, code)) == Refusal.CODE_REFUSED
        assert isinstance(await confirm(client, mallory, code), f.Accepted)
        await client.close()


async def test_a_code_expires(tmp_path: Path) -> None:
    alice = Person(ALICE)
    async with (
        office(tmp_path, code_seconds=60) as at,
        await RelayClient.register(at.relay.url, alice) as client,
    ):
        await start(client, alice)
        code = await at.box.code()
        at.clock.ahead_ms = 61_000
        assert refusal(await confirm(client, alice, code)) == Refusal.CODE_REFUSED


@pytest.mark.parametrize("bound", ["codes_per_identity", "codes_per_card", "codes_per_address"])
async def test_codes_are_bounded_whoever_asks(tmp_path: Path, bound: str) -> None:
    alice = Person(ALICE)
    async with (
        office(tmp_path, OPEN, **{bound: 2}) as at,
        await RelayClient.register(at.relay.url, alice) as client,
    ):
        if bound == "codes_per_address" and at.relay.relay._peers:
            for peer in at.relay.relay._peers.values():
                peer.address = "192.0.2.1"  # this host itself has no address to count for
        for _ in range(2):
            assert isinstance(await start(client, alice), f.Accepted)
        said = await start(client, alice)
        assert isinstance(said, f.Refused)
        assert said.kind == Refusal.TOO_MANY_REQUESTS
        assert said.retry_after_ms
        await at.box.mail(2)
        assert len(at.box.mails) == 2


async def test_an_answer_does_not_say_whether_anybody_has_the_identity(tmp_path: Path) -> None:
    alice = Person(ALICE)
    async with office(tmp_path) as at:
        await (await RelayClient.register(at.relay.url, alice)).close()
        client = await greeted(at.relay)
        taken, free = Person(ALICE), Person("nobody@example.org")
        said = [await start(client, who) for who in (taken, free)]
        assert [type(answer) for answer in said] == [f.Accepted, f.Accepted]
        wrong = [await confirm(client, who, "x") for who in (taken, free)]
        assert len({(a.kind, a.detail, a.subject) for a in wrong if isinstance(a, f.Refused)}) == 1
        await client.close()


async def test_the_store_holds_no_code(tmp_path: Path) -> None:
    alice = Person(ALICE)
    async with office(tmp_path) as at, await RelayClient.register(at.relay.url, alice) as client:
        await start(client, alice)
        code = await at.box.code()
        stored = await asyncio.to_thread(_bytes_below, tmp_path)
        assert alice.card.id in stored
        for written in (code, code.replace("-", "")):
            assert written.encode() not in stored
