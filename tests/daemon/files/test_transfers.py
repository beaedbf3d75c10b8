"""Files between two daemons over a real relay: up, down, across breaks and restarts."""

import os
from pathlib import Path

from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import files, schema
from peerpost_daemon.records.files import FileState
from peerpost_daemon.vault.database import Database
from peerpost_protocol.limits import MAX_BLOB_PART
from tests.support.accounts import FETCH_BYTES, VAULT_KEY, RunningAccount, account
from tests.support.filing import all_files, file_in, on_disk, plaintext
from tests.support.relay_server import running_relay

DATA = os.urandom(3 * MAX_BLOB_PART + 17)


async def test_a_file_reaches_the_other_whole_and_stays_encrypted_there(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "bob", "bob@example.org", relay.url) as bob,
        account(tmp_path / "alice", "alice@example.org", relay.url) as alice,
    ):
        await bob.online()
        message = await alice.send("bob@example.org", "look", files=[DATA, b""])
        await alice.outgoing(message, "delivered")
        first, second = await file_in(bob, FileState.HERE), await file_in(bob, FileState.HERE, 1)
        assert (plaintext(bob, first), plaintext(bob, second)) == (DATA, b"")
        assert (first.name, first.size, first.media_type) == ("notes.txt", len(DATA), "text/plain")
        (kept,) = [p for p in bob.folder.path.iterdir() if p.name == first.stored]
        assert kept.stat().st_mode & 0o777 == 0o600
        assert DATA[:100] not in kept.read_bytes()
        told = await bob.told("file", state="here", file=first.number)
        assert (told["done"], told["name"]) == (len(DATA), "notes.txt")


async def test_what_is_sent_offline_leaves_later_and_needs_no_source(tmp_path: Path) -> None:
    async with account(tmp_path / "alice", "alice@example.org", "ws://127.0.0.1:9") as alice:
        await alice.send("bob@example.org", "", files=[DATA])
        assert [f.state for f in await alice.read(all_files)] == [FileState.UPLOADING]
    async with running_relay(tmp_path / "relay") as relay:
        await elsewhere(tmp_path / "alice", relay.url)
        async with (
            account(tmp_path / "bob", "bob@example.org", relay.url) as bob,
            account(tmp_path / "alice", "alice@example.org", relay.url),
        ):
            assert plaintext(bob, await file_in(bob, FileState.HERE)) == DATA


async def elsewhere(folder: Path, url: str) -> None:
    """Let a stopped account know its relay by another address."""
    database = await Database.open(folder / "vault.db", VAULT_KEY, schema.MIGRATIONS)
    await database.write(lambda db: accounts.aim(db, url, None))
    await database.close()


async def test_a_large_file_waits_until_it_is_asked_for(tmp_path: Path) -> None:
    large = os.urandom(FETCH_BYTES + 1)
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "bob", "bob@example.org", relay.url) as bob,
        account(tmp_path / "alice", "alice@example.org", relay.url) as alice,
    ):
        await bob.online()
        message = await alice.send("bob@example.org", "large", files=[large])
        await alice.outgoing(message, "delivered")
        offered = await file_in(bob, FileState.OFFERED)
        assert on_disk(bob) == []
        await want(bob, offered.number)
        assert plaintext(bob, await file_in(bob, FileState.HERE)) == large


async def want(bob: RunningAccount, number: int) -> None:
    await bob.database.write(lambda db: files.set_state(db, number, FileState.FETCHING))
    assert bob.engine.files is not None
    bob.engine.files.wake()


async def test_a_fetch_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    async with running_relay(tmp_path / "relay") as relay:
        async with (
            account(tmp_path / "bob", "bob@example.org", relay.url) as bob,
            account(tmp_path / "alice", "alice@example.org", relay.url) as alice,
        ):
            await bob.online()
            large = os.urandom(FETCH_BYTES + 1)
            await alice.outgoing(
                await alice.send("bob@example.org", "", files=[large]), "delivered"
            )
            offered = await file_in(bob, FileState.OFFERED)
            blob = alice.folder.read((await file_in(alice, FileState.HERE)).stored, 0, 2**30)
        part = bob.folder.part(offered.stored)
        part.append(blob[:700_001])
        part.close()
        async with account(tmp_path / "bob", "bob@example.org", relay.url) as again:
            await want(again, offered.number)
            assert plaintext(again, await file_in(again, FileState.HERE)) == large


async def test_the_messages_of_a_channel_do_not_wait_for_a_file(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "bob", "bob@example.org", relay.url) as bob,
        account(tmp_path / "alice", "alice@example.org", relay.url) as alice,
    ):
        await bob.online()
        await alice.online()
        channel = await alice.channel("ops", "bob@example.org")
        held = await alice.send(channel, "with a file", files=[DATA])
        await alice.send(channel, "without")
        await alice.outgoing(held, "delivered")
        await bob.until(lambda db: len(all_files(db)) == 1)
        assert set(await bob.texts(channel)) == {"with a file", "without"}
