"""Somebody with a stolen session, or a card of the identity that he got by a stolen token, fetches the backup.

An honest relay gives it to proven cards only, a few times a day, and tells the owner's devices each time. What he gets
is useless without the passphrase, and neither opening nor failing to open it tells the relay anything. He cannot
destroy it.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_daemon.backups.keeping import Keeping
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import lineage
from peerpost_protocol import frames as f
from peerpost_protocol.backup import (
    DestructionBody,
    decode_lock,
    sign_destruction,
    unlock_key,
)
from peerpost_protocol.errors import DecryptionError
from peerpost_protocol.frames import Attestation
from tests.support.daemons import PATIENCE_SECONDS, Owner, daemon_of, events_of, reached, told
from tests.support.relay_client import Person, RelayClient, now_ms, refusal
from tests.support.relay_server import OPEN, RunningRelay, running_relay

ALICE = "alice@example.org"
SECRET = "a passphrase of a backup"


async def stolen(relay: RunningRelay, attestation: Attestation) -> Person:
    """Return mallory, to whom the relay attests alice's identity."""
    mallory = Person(ALICE)
    await relay.store.write([lambda t: t.add_card(mallory.card, attestation, now_ms())])
    return mallory


async def test_it_is_counted_told_and_useless_without_the_passphrase(tmp_path: Path) -> None:
    settings = replace(OPEN, backup_fetches_per_day=2)
    async with (
        running_relay(tmp_path / "relay", settings) as relay,
        daemon_of(tmp_path / "alice", relay.url, Owner(ALICE)) as alice,
    ):
        await reached(alice)
        await Keeping(alice).to_relay(SECRET, with_messages=True)
        mallory = await stolen(relay, Attestation.VERIFIED)
        async with await RelayClient.connect(relay.url, mallory) as client:
            fetched = await client.ask(f.FetchBackup(1))
            assert isinstance(fetched, f.BackupFetched)
            event = await told(alice, "backup", change="fetched")
            assert event["card"] == mallory.card.id.hex()
            with pytest.raises(DecryptionError):
                unlock_key(decode_lock(fetched.lock), b"a guessed passphrase", fetched.header)
            await client.ask(f.FetchBackup(2))
            assert refusal(await client.ask(f.FetchBackup(3))) == "too_many_requests"


async def test_a_fetch_while_the_owner_was_away_is_told_once_she_is_back(tmp_path: Path) -> None:
    owner = Owner(ALICE)
    async with running_relay(tmp_path / "relay") as relay:
        async with daemon_of(tmp_path / "alice", relay.url, owner) as alice:
            await reached(alice)
            await Keeping(alice).to_relay(SECRET, with_messages=True)
        mallory = await stolen(relay, Attestation.VERIFIED)
        async with await RelayClient.connect(relay.url, mallory) as client:
            assert isinstance(await client.ask(f.FetchBackup(1)), f.BackupFetched)
        for _ in range(2):
            async with daemon_of(tmp_path / "alice", relay.url, owner) as alice:
                await reached(alice)
                await told(alice, "daemon", change="backup_fetched")
                assert len(await events_of(alice, "backup")) == 1


@pytest.mark.parametrize("attestation", [Attestation.UNVERIFIED, Attestation.AUTHORIZED])
async def test_a_stolen_token_does_not_prove_an_identity(
    tmp_path: Path, attestation: Attestation
) -> None:
    async with (
        running_relay(tmp_path / "relay") as relay,
        daemon_of(tmp_path / "alice", relay.url, Owner(ALICE)) as alice,
    ):
        await reached(alice)
        await Keeping(alice).to_relay(SECRET, with_messages=True)
        mallory = await stolen(relay, attestation)
        async with await RelayClient.connect(relay.url, mallory) as client:
            assert refusal(await client.ask(f.FetchBackup(1))) == "not_proven"
        assert await events_of(alice, "backup") == []


async def test_a_session_alone_does_not_destroy_it(tmp_path: Path) -> None:
    async with running_relay(tmp_path / "relay") as relay:
        alice = Person(ALICE)
        async with await RelayClient.register(relay.url, alice) as client:
            key = relay.relay.key.public
            mallory = Person(ALICE)
            for body, signer in (
                (DestructionBody(key, ALICE, 1, alice.card.id, now_ms()), mallory),
                (DestructionBody(bytes(32), ALICE, 1, alice.card.id, now_ms()), alice),
                (DestructionBody(key, "bob@example.org", 1, alice.card.id, now_ms()), alice),
                (DestructionBody(key, ALICE, 1, mallory.card.id, now_ms()), mallory),
            ):
                signed = sign_destruction(signer.keys.signing, body)
                answer = await client.ask(f.DestroyBackup(client.request(), signed))
                assert refusal(answer) == "bad_signature"


async def test_the_relay_hears_the_same_of_a_right_and_a_wrong_passphrase(tmp_path: Path) -> None:
    right = await _heard(tmp_path / "right", SECRET)
    wrong = await _heard(tmp_path / "wrong", "a wrong passphrase of it")
    assert right == wrong == ["FetchBackup", "ReadBackupPart"]


async def _heard(folder: Path, passphrase: str) -> list[str]:
    """Return what a restoring daemon asks the relay, until it knows whether the passphrase is right."""
    said: list[str] = []
    fresh = Owner(ALICE)
    async with running_relay(folder) as relay:
        async with daemon_of(folder / "old", relay.url, Owner(ALICE)) as old:
            await reached(old)
            await Keeping(old).to_relay(SECRET, with_messages=True)
        card = fresh.card
        await relay.store.write([lambda t: t.add_card(card, Attestation.VERIFIED, now_ms())])
        async with daemon_of(folder / "new", relay.url, fresh) as new:
            await reached(new)
            await _caught_up(new)
            _listen(new, said)
            with suppress(DaemonError):
                await Keeping(new).from_relay(passphrase)
            assert (new.account.card == card) is (passphrase != SECRET)
    return said


async def _caught_up(daemon: Daemon) -> None:
    """Wait until the session has read its own identity's history, as each one does when it begins."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await daemon.read(lambda db: lineage.find(db, ALICE)) is None:
            pass  # nothing rings for it; each look waits for the vault


def _listen(daemon: object, said: list[str]) -> None:
    """Note what the daemon asks the relay over this session."""
    link = daemon.engine.relay  # type: ignore[attr-defined]
    request = link.request

    def noted(frame: object) -> object:
        said.append(type(frame).__name__)
        return request(frame)

    link.request = noted
