"""The relay puts an older version in the place of the backup that it was given.

The daemon that made the newer one says so at its next session. An empty machine that is told a newer version than it
gets finds the older one out by the sealed manifest. Or somebody uses up all versions, so that none can follow his: the
relay by naming the highest one, a thief with a session by storing it.
"""

from pathlib import Path

import pytest

from peerpost_daemon.backups.keeping import Keeping
from peerpost_daemon.errors import DaemonError
from peerpost_protocol.backup import encode_lock
from peerpost_protocol.frames import Attestation, PutBackup
from peerpost_protocol.limits import MAX_BACKUP_LEAP, MAX_COUNTER
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from tests.support import backups
from tests.support.daemons import Owner, daemon_of, reached, told
from tests.support.relay_client import Person, RelayClient, now_ms, position, refusal
from tests.support.relay_server import RunningRelay, running_relay

ALICE = "alice@example.org"
SECRET = "a passphrase of a backup"
LOCK = encode_lock(backups.lock())


async def named(relay: RunningRelay, version: int) -> None:
    """Give the stored backup another version."""

    def change(transaction: SqliteTransaction) -> None:
        db = transaction._db
        db.execute("UPDATE backups SET version = ?", (version,))
        db.execute("UPDATE backup_parts SET version = ?", (version,))

    await relay.store.write([change])


async def test_the_device_that_made_the_newer_one_says_so(tmp_path: Path) -> None:
    owner = Owner(ALICE)
    async with running_relay(tmp_path / "relay") as relay:
        async with daemon_of(tmp_path / "alice", relay.url, owner) as alice:
            await reached(alice)
            for _ in range(2):
                await Keeping(alice).to_relay(SECRET, with_messages=True)
        await named(relay, 1)
        async with daemon_of(tmp_path / "alice", relay.url, owner) as alice:
            alarm = await told(alice, "daemon", change="backup_rolled_back")
            assert alarm["detail"] == "version 1 in place of 2"


async def test_an_older_one_under_the_newer_number_is_not_restored(tmp_path: Path) -> None:
    fresh = Owner(ALICE)
    async with running_relay(tmp_path / "relay") as relay:
        async with daemon_of(tmp_path / "alice", relay.url, Owner(ALICE)) as alice:
            await reached(alice)
            await Keeping(alice).to_relay(SECRET, with_messages=True)
        await named(relay, 2)
        await relay.store.write([lambda t: t.add_card(fresh.card, Attestation.VERIFIED, now_ms())])
        async with daemon_of(tmp_path / "new", relay.url, fresh) as new:
            await reached(new)
            with pytest.raises(DaemonError) as caught:
                await Keeping(new).from_relay(SECRET)
            assert caught.value.kind == "bad_backup"
            assert new.account.card == fresh.card


async def test_a_version_that_was_destroyed_is_not_used_again(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path / "relay") as relay,
        daemon_of(tmp_path / "alice", relay.url, Owner(ALICE)) as alice,
    ):
        await reached(alice)
        first = await Keeping(alice).to_relay(SECRET, with_messages=True)
        assert await Keeping(alice).destroy() == first.version
        second = await Keeping(alice).to_relay(SECRET, with_messages=True)
        assert second.version > first.version


async def test_nobody_stores_the_last_version_of_all(tmp_path: Path) -> None:
    thief = Person(ALICE)
    async with (
        running_relay(tmp_path / "relay") as relay,
        await RelayClient.register(relay.url, thief) as client,
    ):
        for version in (MAX_COUNTER, MAX_BACKUP_LEAP + 1):
            frame = PutBackup(client.request(), version, backups.HEADER, LOCK, 1)
            assert refusal(await client.ask(frame)) == "malformed"
        frame = PutBackup(client.request(), MAX_BACKUP_LEAP, backups.HEADER, LOCK, 1)
        assert position(await client.ask(frame)) == MAX_BACKUP_LEAP


async def test_a_relay_that_names_the_last_version_ends_no_count(tmp_path: Path) -> None:
    owner = Owner(ALICE)
    async with running_relay(tmp_path / "relay") as relay:
        async with daemon_of(tmp_path / "alice", relay.url, owner) as alice:
            await reached(alice)
            await Keeping(alice).to_relay(SECRET, with_messages=True)
        await named(relay, MAX_COUNTER)
        async with daemon_of(tmp_path / "alice", relay.url, owner) as alice:
            await reached(alice)
            with pytest.raises(DaemonError):
                await Keeping(alice).to_relay(SECRET, with_messages=True)
            made = await Keeping(alice).to_file(tmp_path / "file", SECRET, with_messages=True)
            assert made.version < 4 * MAX_BACKUP_LEAP
