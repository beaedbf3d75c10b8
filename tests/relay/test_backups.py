"""Backups at the relay: stored whole, handed out to proven cards, counted, told, destroyed by signature."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_protocol import frames as f
from peerpost_protocol.backup import DestructionBody, encode_lock, sign_destruction
from peerpost_protocol.frames import Attestation
from peerpost_protocol.limits import MAX_BACKUP_PART
from tests.support import backups
from tests.support.relay_client import Person, RelayClient, now_ms, position, refusal
from tests.support.relay_server import OPEN, RunningRelay, running_relay

DAY_MS = 86_400_000
SETTINGS = replace(OPEN, backup_fetches_per_day=2, backup_bytes_max=2 * MAX_BACKUP_PART)
LOCK = encode_lock(backups.lock())


class Clock:
    def __init__(self) -> None:
        self.ms = now_ms()

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def relay(tmp_path: Path, clock: Clock) -> AsyncIterator[RunningRelay]:
    async with running_relay(tmp_path / "relay", SETTINGS, clock=clock) as running:
        yield running


async def another_card(
    relay: RunningRelay, identity: str, attestation: Attestation = Attestation.VERIFIED
) -> Person:
    """Return a further device of an identity, as it is once its identity was proven."""
    person = Person(identity)
    await relay.store.write([lambda t: t.add_card(person.card, attestation, now_ms())])
    return person


async def put(client: RelayClient, bulk: bytes, version: int = 1) -> f.RelayFrame:
    """Store a backup; return the last answer."""
    frame = f.PutBackup(client.request(), version, backups.HEADER, LOCK, len(bulk))
    answer = await client.ask(frame)
    for index, at in enumerate(range(0, len(bulk), MAX_BACKUP_PART)):
        if not isinstance(answer, f.Accepted):
            break
        part = bulk[at : at + MAX_BACKUP_PART]
        answer = await client.ask(f.PutBackupPart(client.request(), version, index, part))
    return answer


async def fetch(client: RelayClient) -> f.RelayFrame:
    return await client.ask(f.FetchBackup(client.request()))


async def show(client: RelayClient, after: int = 0) -> f.BackupShown:
    answer = await client.ask(f.ShowBackup(client.request(), after))
    assert isinstance(answer, f.BackupShown)
    return answer


async def bulk_of(client: RelayClient, fetched: f.RelayFrame) -> bytes:
    assert isinstance(fetched, f.BackupFetched), fetched
    parts = []
    for index in range(fetched.parts):
        asked = f.ReadBackupPart(client.request(), fetched.version, index)
        part = await client.ask(asked)
        assert isinstance(part, f.BackupPart), part
        parts.append(part.data)
    return b"".join(parts)


@pytest.mark.parametrize("size", [1, MAX_BACKUP_PART, MAX_BACKUP_PART + 1])
async def test_another_device_of_the_identity_gets_what_was_stored(
    relay: RunningRelay, size: int
) -> None:
    bulk = os.urandom(size)
    async with await RelayClient.register(relay.url, Person("alice@example.org")) as client:
        assert position(await put(client, bulk)) == 1
    other = await another_card(relay, "alice@example.org")
    async with await RelayClient.connect(relay.url, other) as client:
        fetched = await fetch(client)
        assert await bulk_of(client, fetched) == bulk
        assert isinstance(fetched, f.BackupFetched)
        assert (fetched.header, fetched.lock) == (backups.HEADER, LOCK)


async def test_the_backup_before_stays_until_the_new_one_is_whole(relay: RunningRelay) -> None:
    alice = await another_card(relay, "alice@example.org")
    async with await RelayClient.connect(relay.url, alice) as client:
        await put(client, b"first")
        await client.ask(f.PutBackup(client.request(), 2, backups.HEADER, LOCK, 6))
        assert await bulk_of(client, await fetch(client)) == b"first"
        await client.ask(f.PutBackupPart(client.request(), 2, 0, b"second"))
        assert await bulk_of(client, await fetch(client)) == b"second"


async def test_a_version_is_stored_once(relay: RunningRelay) -> None:
    async with await RelayClient.register(relay.url, Person("alice@example.org")) as client:
        await put(client, b"newer", version=7)
        assert refusal(await put(client, b"older", version=6)) == "stale_backup"
        assert refusal(await put(client, b"again", version=7)) == "stale_backup"


async def test_parts_come_in_order_and_whole(relay: RunningRelay) -> None:
    async with await RelayClient.register(relay.url, Person("alice@example.org")) as client:
        await client.ask(f.PutBackup(client.request(), 1, backups.HEADER, LOCK, 5))
        for index, data in ((1, b"12345"), (0, b"1234"), (0, b"123456")):
            answer = await client.ask(f.PutBackupPart(client.request(), 1, index, data))
            assert refusal(answer) == "malformed"


async def test_a_backup_over_the_quota_is_refused(relay: RunningRelay) -> None:
    async with await RelayClient.register(relay.url, Person("alice@example.org")) as client:
        size = SETTINGS.backup_bytes_max + 1
        begun = await client.ask(f.PutBackup(client.request(), 1, backups.HEADER, LOCK, size))
        assert refusal(begun) == "quota_exceeded"


async def test_what_is_no_lock_is_not_stored(relay: RunningRelay) -> None:
    async with await RelayClient.register(relay.url, Person("alice@example.org")) as client:
        begun = await client.ask(f.PutBackup(client.request(), 1, backups.HEADER, b"lock", 5))
        assert refusal(begun) == "malformed"


async def test_a_change_of_passphrase_moves_the_lock_alone(relay: RunningRelay) -> None:
    alice = await another_card(relay, "alice@example.org")
    new = encode_lock(backups.lock(b"another passphrase"))
    async with await RelayClient.connect(relay.url, alice) as client:
        await put(client, b"bulk")
        assert position(await client.ask(f.PutBackupLock(client.request(), 1, new))) == 1
        fetched = await fetch(client)
        assert isinstance(fetched, f.BackupFetched)
        assert fetched.lock == new
        assert refusal(await client.ask(f.PutBackupLock(client.request(), 2, new))) == "no_backup"


@pytest.mark.parametrize(
    ("needed", "allowed"),
    [
        (Attestation.VERIFIED, {Attestation.VERIFIED}),
        (Attestation.AUTHORIZED, {Attestation.VERIFIED, Attestation.AUTHORIZED}),
        (Attestation.UNVERIFIED, set(Attestation)),
    ],
)
async def test_a_fetch_needs_the_proof_that_the_operator_asks_for(
    tmp_path: Path, needed: Attestation, allowed: set[Attestation]
) -> None:
    settings = replace(OPEN, backup_attestation=needed)
    async with running_relay(tmp_path / "relay", settings) as relay:
        for attestation in Attestation:
            person = await another_card(relay, "alice@example.org", attestation)
            async with await RelayClient.connect(relay.url, person) as client:
                expected = "no_backup" if attestation in allowed else "not_proven"
                assert refusal(await fetch(client)) == expected


async def test_an_identity_has_so_many_fetches_a_day(relay: RunningRelay, clock: Clock) -> None:
    alice = await another_card(relay, "alice@example.org")
    async with await RelayClient.connect(relay.url, alice) as client:
        await put(client, b"bulk")
        for _ in range(SETTINGS.backup_fetches_per_day):
            assert isinstance(await fetch(client), f.BackupFetched)
        refused = await fetch(client)
        assert refusal(refused) == "too_many_requests"
        assert isinstance(refused, f.Refused)
        assert refused.retry_after_ms == DAY_MS
        clock.ms += DAY_MS
        assert isinstance(await fetch(client), f.BackupFetched)


async def test_the_bulk_is_read_only_after_a_fetch_in_the_same_session(relay: RunningRelay) -> None:
    alice = await another_card(relay, "alice@example.org")
    async with await RelayClient.connect(relay.url, alice) as client:
        await put(client, b"bulk")
        answer = await client.ask(f.ReadBackupPart(client.request(), 1, 0))
        assert refusal(answer) == "unexpected_frame"


async def test_every_other_device_hears_of_a_fetch_now_or_later(relay: RunningRelay) -> None:
    alice = Person("alice@example.org")
    thief = await another_card(relay, "alice@example.org")
    async with await RelayClient.register(relay.url, thief) as stolen:
        async with await RelayClient.connect(relay.url, await _known(relay, alice)) as client:
            await put(client, b"bulk")
            await fetch(stolen)
            notice = await client.expect(f.BackupNotice)
            assert (notice.fetch.card, notice.fetch.version) == (thief.card.id, 1)
        await fetch(stolen)
    async with await RelayClient.connect(relay.url, alice) as client:
        shown = await show(client, after=notice.fetch.number)
        assert [one.card for one in shown.fetches] == [thief.card.id]


async def _known(relay: RunningRelay, person: Person) -> Person:
    await relay.store.write([lambda t: t.add_card(person.card, Attestation.VERIFIED, now_ms())])
    return person


def destruction(person: Person, relay: bytes, version: int) -> DestructionBody:
    return DestructionBody(relay, person.card.identity, version, person.card.id, now_ms())


async def test_a_signed_statement_destroys_the_backup_once(relay: RunningRelay) -> None:
    alice = await another_card(relay, "alice@example.org")
    async with await RelayClient.connect(relay.url, alice) as client:
        await put(client, b"bulk")
        body = destruction(alice, relay.relay.key.public, 1)
        signed = sign_destruction(alice.keys.signing, body)
        assert position(await client.ask(f.DestroyBackup(client.request(), signed))) == 1
        assert (await show(client)).version == 0
        assert refusal(await fetch(client)) == "no_backup"
        assert refusal(await put(client, b"bulk", version=1)) == "stale_backup"
        await put(client, b"bulk", version=2)
        assert refusal(await client.ask(f.DestroyBackup(client.request(), signed))) == "no_backup"


async def test_only_the_newest_holder_of_a_restored_card_goes_on(relay: RunningRelay) -> None:
    alice = Person("alice@example.org")
    old = await RelayClient.register(relay.url, alice)
    async with old, await RelayClient.connect(relay.url, alice) as new:
        held = await new.ask(f.HoldCard(new.request(), 1, bytes(16)))
        assert position(held) == 1
        assert (await old.expect(f.Closing)).kind == "card_taken_over"
        assert (await show(new)).version == 0
    async with await RelayClient.connect(relay.url, alice) as old:
        await old.send(f.SearchCards(1, ("bob@example.org",)))
        assert (await old.expect(f.Closing)).kind == "card_taken_over"


@pytest.mark.parametrize(("number", "mark"), [(1, bytes(15) + b"x"), (2, bytes(15) + b"x")])
async def test_two_that_restored_the_same_backup_are_not_both_let_in(
    relay: RunningRelay, number: int, mark: bytes
) -> None:
    alice = Person("alice@example.org")
    async with await RelayClient.register(relay.url, alice) as first:
        await first.ask(f.HoldCard(first.request(), 2, bytes(16)))
        async with await RelayClient.connect(relay.url, alice) as second:
            answer = await second.ask(f.HoldCard(second.request(), number, mark))
            assert refusal(answer) == "card_taken_over"
        again = await first.ask(f.HoldCard(first.request(), 2, bytes(16)))
        assert position(again) == 2


async def test_a_card_that_does_not_count_changes_nothing(
    relay: RunningRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await another_card(relay, "alice@example.org")
    waiting = await another_card(relay, "alice@example.org")
    async with await RelayClient.connect(relay.url, alice) as client:
        await put(client, b"bulk")
    monkeypatch.setattr("peerpost_relay.backups._cards_of", lambda *_: (alice.card.id,))
    async with await RelayClient.connect(relay.url, waiting) as client:
        assert isinstance(await fetch(client), f.BackupFetched)
        signed = sign_destruction(
            waiting.keys.signing, destruction(waiting, relay.relay.key.public, 1)
        )
        for frame in (
            f.PutBackup(client.request(), 2, backups.HEADER, LOCK, 1),
            f.PutBackupPart(client.request(), 2, 0, b"x"),
            f.PutBackupLock(client.request(), 1, LOCK),
            f.DestroyBackup(client.request(), signed),
            f.HoldCard(client.request(), 1, bytes(16)),
        ):
            assert refusal(await client.ask(frame)) == "not_proven"
