"""Files leave the relay with their message: deleted by its sender or an admin, or given up after the upload."""

from pathlib import Path

from peerpost_daemon.delivering import give_up
from peerpost_daemon.files.blob_line import BlobLine
from peerpost_daemon.files.transfers import Progress
from peerpost_daemon.files.uploads import Uploads
from peerpost_daemon.records import changes, files, outbox, unwanted_blobs
from peerpost_daemon.records.files import FileState
from peerpost_daemon.vault.connection import SqlConnection
from tests.daemon.files.test_transfers import DATA, elsewhere
from tests.support.accounts import RunningAccount, account, now_ms
from tests.support.filing import all_files, file_in
from tests.support.relay_server import RunningRelay, running_relay


def at(relay: RunningRelay) -> list[Path]:
    return list((relay.folder / "blobs").iterdir())


async def delete(at_: RunningAccount, number: int = 0) -> None:
    """Delete the message of a file as `message.delete` does."""
    (file,) = (await at_.read(all_files))[number : number + 1]
    await at_.database.write(lambda db: changes.erase(db, file.message, at_.identity, now_ms()))
    assert at_.engine.files is not None
    at_.engine.files.wake()


async def nothing_unwanted(at_: RunningAccount) -> None:
    await at_.until(lambda db: unwanted_blobs.oldest(db) is None)


async def test_a_deleted_file_leaves_the_relay_and_the_receiver_asks_for_nothing(
    tmp_path: Path,
) -> None:
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "bob", "bob@example.org", relay.url) as bob,
        account(tmp_path / "alice", "alice@example.org", relay.url) as alice,
    ):
        await bob.online()
        await alice.send("bob@example.org", "look", files=[DATA])
        await file_in(bob, FileState.HERE)
        assert len(at(relay)) == 1
        await bob.database.write(
            lambda db: changes.erase(db, all_files(db)[0].message, alice.identity, now_ms())
        )
        assert await bob.read(unwanted_blobs.oldest) is None
        await delete(alice)
        await nothing_unwanted(alice)
        assert at(relay) == []


async def test_an_admin_who_deletes_a_message_removes_its_file(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "bob", "bob@example.org", relay.url) as bob,
        account(tmp_path / "alice", "alice@example.org", relay.url) as alice,
    ):
        await bob.online()
        await alice.online()
        channel = await alice.channel("ops", "bob@example.org")
        await bob.follows(channel)
        await bob.send(channel, "look", files=[DATA])
        await file_in(alice, FileState.HERE)
        await delete(alice)
        await nothing_unwanted(alice)
        assert at(relay) == []


async def test_what_was_deleted_offline_leaves_the_relay_when_it_is_reached(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "bob", "bob@example.org", relay.url) as bob,
        account(tmp_path / "alice", "alice@example.org", relay.url) as alice,
    ):
        await bob.online()
        await alice.outgoing(await alice.send("bob@example.org", "", files=[DATA]), "delivered")
    await elsewhere(tmp_path / "alice", "ws://127.0.0.1:9")
    async with account(tmp_path / "alice", "alice@example.org", "ws://127.0.0.1:9") as alice:
        await delete(alice)
    async with running_relay(tmp_path / "relay") as relay:
        assert len(at(relay)) == 1
        await elsewhere(tmp_path / "alice", relay.url)
        async with account(tmp_path / "alice", "alice@example.org", relay.url) as alice:
            await nothing_unwanted(alice)
            assert at(relay) == []


async def test_what_is_given_up_after_its_upload_leaves_the_relay(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "bob", "bob@example.org", relay.url) as bob,
        account(tmp_path / "alice", "alice@example.org", relay.url) as alice,
    ):
        await bob.online()
        await alice.online()
        channel = await alice.channel("ops", "bob@example.org")
        later = now_ms() + 3_600_000
        message = await alice.send(channel, "", files=[DATA], due_ms=later)
        await file_in(alice, FileState.HERE)
        assert len(at(relay)) == 1
        await alice.database.write(lambda db: _give_up(db, message))
        assert alice.engine.files is not None
        alice.engine.files.wake()
        await nothing_unwanted(alice)
        assert at(relay) == []


def _give_up(db: SqlConnection, message: bytes) -> None:
    row = outbox.find(db, message)
    assert row is not None
    give_up(db, [(row.number, message)], "cancelled", now_ms())


async def no_line() -> BlobLine:
    raise AssertionError("nothing is to be asked")


async def test_a_file_whose_message_went_while_it_moved_is_unwanted(tmp_path: Path) -> None:
    async with account(tmp_path, "alice@example.org", "ws://127.0.0.1:9") as alice:
        channel = await alice.engine.channels.create("ops", [])
        await alice.send(channel, "", files=[DATA])
        await alice.database.write(
            lambda db: db.execute("UPDATE channel SET state = 'active'").rowcount
        )
        moving = await alice.read(lambda db: files.next_upload(db, ()))
        assert moving is not None
        await alice.database.write(
            lambda db: db.execute("DELETE FROM message WHERE cursor = ?", (moving.file.message,))
        )
        told: list[None] = []
        uploads = Uploads(
            alice.database, alice.folder, no_line, Progress(), alice.bell, now_ms=now_ms
        )
        uploads.unwanted = lambda: told.append(None)
        await uploads._finish(moving)
        found = await alice.read(unwanted_blobs.oldest)
        assert found is not None
        assert (found.channel, found.blob, told) == (channel, moving.file.blob, [None])
