"""A relay that was put back from a copy without its files gets them again from whoever sent them."""

import os
import shutil
import sqlite3
from pathlib import Path

from peerpost_daemon.records import doubts
from peerpost_daemon.records.files import FileState
from tests.daemon.files.test_transfers import DATA, elsewhere, want
from tests.support.accounts import RunningAccount, account
from tests.support.filing import all_files, file_in, plaintext
from tests.support.relay_server import running_relay


def put_back(folder: Path) -> None:
    """Do what a restore does: the rows of files without the files, under a new epoch."""
    shutil.rmtree(folder / "blobs")
    (store,) = folder.glob("*.sqlite")
    database = sqlite3.connect(store)
    database.execute("UPDATE store SET epoch = ?", (os.urandom(16),))
    database.commit()
    database.close()


async def test_a_file_that_the_relay_lost_is_uploaded_again_and_fetched(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "bob", "bob@example.org", relay.url) as bob,
        account(tmp_path / "alice", "alice@example.org", relay.url) as alice,
    ):
        await bob.online()
        await alice.outgoing(await alice.send("bob@example.org", "", files=[DATA]), "delivered")
        await file_in(bob, FileState.HERE)
    put_back(tmp_path / "relay")
    async with running_relay(tmp_path / "relay") as relay:
        assert not list((tmp_path / "relay" / "blobs").iterdir())
        await elsewhere(tmp_path / "alice", relay.url)
        await elsewhere(tmp_path / "bob", relay.url)
        async with account(tmp_path / "alice", "alice@example.org", relay.url) as alice:
            await alice.online()
            await alice.told("daemon", change="relay_store_changed")
            await alice.until(lambda db: doubts.next_doubted(db, ()) is None)
            (kept,) = (tmp_path / "relay" / "blobs").iterdir()
            (sent,) = await alice.read(all_files)
            assert kept.read_bytes() == alice.folder.read(sent.stored, 0, 2**30)
        async with account(tmp_path / "bob", "bob@example.org", relay.url) as bob:
            (had,) = await bob.read(all_files)
            bob.folder.remove(had.stored)
            await want(bob, had.number)
            assert plaintext(bob, await file_in(bob, FileState.HERE)) == DATA


async def test_a_relay_under_its_old_epoch_is_asked_when_it_has_lost_messages(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "relay"
    async with (
        running_relay(folder) as relay,
        account(tmp_path / "alice", "alice@example.org", relay.url) as alice,
    ):
        await alice.online()
        channel = await alice.channel("ops")
    shutil.copytree(folder, tmp_path / "older")
    async with running_relay(folder) as relay:
        await elsewhere(tmp_path / "alice", relay.url)
        async with account(tmp_path / "alice", "alice@example.org", relay.url) as alice:
            await alice.outgoing(await alice.send(channel, "", files=[DATA]), "delivered")
    async with running_relay(tmp_path / "older") as relay:
        await elsewhere(tmp_path / "alice", relay.url)
        async with account(tmp_path / "alice", "alice@example.org", relay.url) as alice:
            (sent,) = await alice.read(all_files)
            await uploaded(tmp_path / "older" / "blobs", alice)
            (kept,) = (tmp_path / "older" / "blobs").iterdir()
            assert kept.read_bytes() == alice.folder.read(sent.stored, 0, 2**30)


async def uploaded(folder: Path, alice: RunningAccount) -> None:
    """Wait until the relay has a whole file, and alice knows it."""
    await alice.until(lambda db: list(folder.glob("*")) and doubts.next_doubted(db, ()) is None)
