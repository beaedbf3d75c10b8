"""peerpost-relay backup and restore: a copy beside a serving relay, made a relay again."""

import hashlib
import io
import sqlite3
import stat
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from peerpost_protocol import frames as f
from peerpost_protocol.limits import MAX_BLOB_PART
from peerpost_relay import archive
from peerpost_relay.commands import main
from peerpost_relay.data_folder import DataFolder
from tests.relay.test_blobs import BLOB, part, team, upload
from tests.support.accounts import account
from tests.support.processes import free_port
from tests.support.relay_client import Person, RelayClient, position, refusal
from tests.support.relay_server import running_relay

ALICE, BOB = "alice@example.org", "bob@example.org"


async def filled(folder: Path) -> None:
    """Let a relay have something in its store."""
    async with running_relay(folder) as relay, await RelayClient.register(relay.url, Person(ALICE)):
        pass


def backed_up(data: Path, to: Path) -> Path:
    assert main(["backup", "--data", str(data), "--to", str(to)]) == 0
    return to


def restored(source: Path, data: Path) -> int:
    return main(["restore", "--from", str(source), "--data", str(data)])


async def test_messaging_goes_on_after_a_restoration(tmp_path: Path) -> None:
    port, copy = free_port(), tmp_path / "copy"
    async with (
        running_relay(tmp_path / "relay", port=port) as relay,
        account(tmp_path / "a", ALICE, relay.url) as alice,
        account(tmp_path / "b", BOB, relay.url) as bob,
    ):
        await bob.online()
        channel = await alice.channel("ops", BOB)
        await alice.outgoing(await alice.send(channel, "before"), "delivered")
        backed_up(tmp_path / "relay", copy)
        await alice.outgoing(await alice.send(channel, "lost"), "delivered")
    assert restored(copy, tmp_path / "again") == 0
    async with (
        running_relay(tmp_path / "again", port=port) as relay,
        account(tmp_path / "a", ALICE, relay.url) as alice,
        account(tmp_path / "b", BOB, relay.url) as bob,
    ):
        await bob.told("daemon", change="relay_store_changed")
        await alice.told("daemon", change="relay_lost_messages")
        await alice.outgoing(await alice.send(channel, "after"), "delivered")
        await bob.shows(channel, "before", "lost", "after")
        assert await bob.reasons() == []


async def test_a_copy_is_one_moment_of_a_relay_that_writes(tmp_path: Path) -> None:
    alice = Person(ALICE)
    async with (
        running_relay(tmp_path / "relay") as relay,
        await RelayClient.register(relay.url, alice) as client,
    ):
        roster, event = alice.create([])
        await client.submit(event)
        first = position(await client.publish(alice.envelope(roster)))
        backed_up(tmp_path / "relay", tmp_path / "copy")
        position(await client.publish(alice.envelope(roster)))
    with tarfile.open(tmp_path / "copy") as copy:
        copy.extract("relay.sqlite", tmp_path, filter="data")
    db = sqlite3.connect(tmp_path / "relay.sqlite")
    assert db.execute("SELECT last FROM channels").fetchone() == (first,)
    db.close()


async def test_the_files_come_with_it_and_are_read_as_before(tmp_path: Path) -> None:
    async with team(tmp_path / "relay") as (people, at_alice, _):
        await upload(at_alice, people.channel)
        copy = backed_up(tmp_path / "relay", tmp_path / "copy")
    assert restored(copy, tmp_path / "again") == 0
    (file,) = (tmp_path / "again" / "blobs").iterdir()
    assert (file.stat().st_mode & 0o777, file.read_bytes()) == (0o600, BLOB)
    async with (
        running_relay(tmp_path / "again") as relay,
        await RelayClient.connect(relay.url, people.bob) as at_bob,
    ):
        read = await part(at_bob, people.channel)
        assert isinstance(read, f.BlobPart)
        assert read.data == BLOB[:MAX_BLOB_PART]


async def test_a_file_that_has_gone_meanwhile_is_left_out_and_forgotten(tmp_path: Path) -> None:
    async with team(tmp_path / "relay") as (people, at_alice, _):
        await upload(at_alice, people.channel)
        (file,) = people.files
        file.unlink()
        copy = backed_up(tmp_path / "relay", tmp_path / "copy")
    assert restored(copy, tmp_path / "again") == 0
    async with (
        running_relay(tmp_path / "again") as relay,
        await RelayClient.connect(relay.url, people.bob) as at_bob,
    ):
        assert refusal(await part(at_bob, people.channel)) == "unknown_blob"


def test_a_large_file_passes_through_little_memory(tmp_path: Path) -> None:
    large = tmp_path / f"{'0' * 32}"
    with large.open("wb") as file:
        file.truncate(64 * archive.PIECE_BYTES)
    digest = hashlib.sha256(bytes(64 * archive.PIECE_BYTES)).digest()
    (tmp_path / "store").write_bytes(b"store")
    tracemalloc.start()
    try:
        _through_an_archive(tmp_path, large.name, digest)
        assert tracemalloc.get_traced_memory()[1] < 8 * archive.PIECE_BYTES
    finally:
        tracemalloc.stop()


def _through_an_archive(folder: Path, name: str, digest: bytes) -> None:
    with (folder / "archive").open("wb") as file:
        written = archive.Writer(file)
        written.key(bytes(32))
        written.database(folder / "store")
        written.blobs(folder, [name])
        written.end()
    with archive.reading(folder / "archive") as read:
        read.key()
        read.database(folder / "store")
        read.blobs(folder / "out", lambda _: digest)
        read.end()


async def test_the_relay_is_the_same_and_its_store_another(tmp_path: Path) -> None:
    await filled(tmp_path / "relay")
    assert restored(backed_up(tmp_path / "relay", tmp_path / "copy"), tmp_path / "again") == 0
    before, after = DataFolder(tmp_path / "relay"), DataFolder(tmp_path / "again")
    assert before.key().public == after.key().public
    assert _epoch(before.database) != _epoch(after.database)


def _epoch(path: Path) -> bytes:
    db = sqlite3.connect(path)
    try:
        (epoch,) = db.execute("SELECT epoch FROM store").fetchone()
    finally:
        db.close()
    return bytes(epoch)


async def test_everything_is_private_and_the_key_stays_in_one_place(tmp_path: Path) -> None:
    await filled(tmp_path / "relay")
    copy = backed_up(tmp_path / "relay", tmp_path / "copy")
    assert restored(copy, tmp_path / "again") == 0
    _private(copy, tmp_path / "again")


def _private(copy: Path, data: Path) -> None:
    files = [copy, *data.iterdir()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert {file.name for file in data.iterdir()} == {"relay.sqlite", "relay.key"}
    assert (data / "relay.key").read_bytes() not in (data / "relay.sqlite").read_bytes()


async def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await filled(tmp_path / "relay")
    copy = backed_up(tmp_path / "relay", tmp_path / "copy")
    _refused(copy, tmp_path / "relay", capsys)


def _refused(copy: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = copy.read_bytes()
    assert main(["backup", "--data", str(data), "--to", str(copy)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert restored(copy, data) == 1
    assert "is not empty" in capsys.readouterr().err
    assert copy.read_bytes() == before


@pytest.mark.parametrize(
    "what", ["damaged", "cut off", "a text", "a database", "no key", "no end", "a path", "blob"]
)
async def test_what_is_no_whole_backup_leaves_nothing(
    tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with team(tmp_path / "relay") as (people, at_alice, _):
        await upload(at_alice, people.channel)
        copy = backed_up(tmp_path / "relay", tmp_path / "copy")
    _spoil(copy, what)
    assert restored(copy, tmp_path / "again") == 1
    assert not _entries(tmp_path / "again")
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "outside").exists()


def _spoil(copy: Path, what: str) -> None:
    data = copy.read_bytes()
    half = len(data) // 2
    spoiled = {
        "damaged": data[: half - 4096] + bytes(8192) + data[half + 4096 :],
        "cut off": data[:half],
        "a text": b"a text",
        "a database": b"SQLite format 3" + bytes(4096),
    }
    copy.write_bytes(spoiled[what] if what in spoiled else _rebuilt(copy, what))


def _rebuilt(copy: Path, what: str) -> bytes:
    """Return the archive with one member left out, or another in the place of a blob."""
    out = io.BytesIO()
    with tarfile.open(copy) as before, tarfile.open(fileobj=out, mode="w") as after:
        for member in before:
            data = before.extractfile(member).read()  # type: ignore[union-attr]
            if member.name == {"no key": "relay.key", "no end": "end"}.get(what):
                continue
            if member.name.startswith("blobs/"):
                member.name = "blobs/../../outside" if what == "a path" else member.name
                data = data[:-1] + b"x" if what == "blob" else data
            after.addfile(member, io.BytesIO(data))
    return out.getvalue()


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_folder_that_is_no_relays_is_not_backed_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup", "--data", str(tmp_path), "--to", str(tmp_path / "copy")]) == 1
    assert "no relay's data folder" in capsys.readouterr().err
