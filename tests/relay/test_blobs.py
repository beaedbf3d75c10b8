"""Blobs at the relay: uploads that go on after breaks, downloads for members, room, expiry, leftovers."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from peerpost_protocol import frames as f
from peerpost_protocol.limits import MAX_BLOB_PART
from peerpost_relay.settings import RelaySettings
from tests.support.relay_client import Person, RelayClient, now_ms, refusal
from tests.support.relay_server import OPEN, RunningRelay, running_relay

BLOB = os.urandom(MAX_BLOB_PART + 1000)
ID = sha256(BLOB).digest()
MIB = 1024 * 1024


class Team:
    """Be alice and bob in a channel, and mallory, who is in none."""

    def __init__(self, relay: RunningRelay) -> None:
        self.relay = relay
        self.alice, self.bob, self.mallory = (
            Person(f"{name}@example.org") for name in ("alice", "bob", "mallory")
        )
        self.roster, self.event = self.alice.create([self.bob])
        self.channel = self.roster.channel

    @property
    def files(self) -> list[Path]:
        return sorted((self.relay.folder / "blobs").iterdir())


@asynccontextmanager
async def team(
    folder: Path, settings: RelaySettings = OPEN
) -> AsyncIterator[tuple[Team, RelayClient, RelayClient]]:
    async with running_relay(folder, settings) as relay:
        people = Team(relay)
        async with (
            await RelayClient.register(relay.url, people.bob) as at_bob,
            await RelayClient.register(relay.url, people.alice) as at_alice,
        ):
            await at_alice.submit(people.event)
            yield people, at_alice, at_bob


async def begin(
    client: RelayClient,
    channel: bytes,
    blob: bytes = BLOB,
    *,
    id_: bytes | None = None,
    expires: int | None = None,
) -> f.RelayFrame:
    id_ = id_ or sha256(blob).digest()
    return await client.ask(f.BeginUpload(client.request(), channel, id_, len(blob), expires))


async def chunk(
    client: RelayClient, channel: bytes, offset: int, data: bytes, id_: bytes = ID
) -> f.RelayFrame:
    return await client.ask(f.UploadChunk(client.request(), channel, id_, offset, data))


async def upload(client: RelayClient, channel: bytes, blob: bytes = BLOB) -> f.RelayFrame:
    id_ = sha256(blob).digest()
    state = await begin(client, channel, blob)
    while isinstance(state, f.UploadState) and not state.durable:
        part = blob[state.offset : state.offset + MAX_BLOB_PART]
        state = await chunk(client, channel, state.offset, part, id_)
    return state


async def part(
    client: RelayClient, channel: bytes, offset: int = 0, length: int = MAX_BLOB_PART
) -> f.RelayFrame:
    return await client.ask(f.ReadBlob(client.request(), channel, ID, offset, length))


def here(state: f.RelayFrame) -> tuple[int, bool]:
    assert isinstance(state, f.UploadState), state
    return state.offset, state.durable


async def test_what_is_uploaded_is_read_by_members_part_by_part(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, at_bob):
        assert here(await upload(at_alice, people.channel)) == (len(BLOB), True)
        first = await part(at_bob, people.channel)
        second = await part(at_bob, people.channel, MAX_BLOB_PART)
        assert isinstance(first, f.BlobPart)
        assert isinstance(second, f.BlobPart)
        assert (first.data + second.data, first.size) == (BLOB, len(BLOB))
        (file,) = people.files
        assert (file.stat().st_mode & 0o777, file.suffix) == (0o600, "")


async def test_a_blob_that_is_there_is_not_uploaded_again(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, at_bob):
        await upload(at_alice, people.channel)
        assert here(await begin(at_alice, people.channel)) == (len(BLOB), True)
        assert here(await begin(at_bob, people.channel)) == (len(BLOB), True)


async def test_an_upload_goes_on_after_a_broken_connection_and_a_restart(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, _):
        await begin(at_alice, people.channel)
        await chunk(at_alice, people.channel, 0, BLOB[:1000])
        async with await RelayClient.connect(people.relay.url, people.alice) as again:
            assert here(await begin(again, people.channel)) == (1000, False)
            answer = await chunk(at_alice, people.channel, 1000, BLOB[1000:2000])
            assert refusal(answer) == "unknown_blob"  # the newer connection has it now
            await chunk(again, people.channel, 1000, BLOB[1000:2000])
    async with (
        running_relay(tmp_path) as relay,
        await RelayClient.connect(relay.url, people.alice) as client,
    ):
        assert here(await begin(client, people.channel)) == (2000, False)
        assert here(await chunk(client, people.channel, 2000, BLOB[2000:3000])) == (3000, False)
        assert here(await upload(client, people.channel)) == (len(BLOB), True)


async def test_an_empty_part_of_the_past_is_refused(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, _):
        await upload(at_alice, people.channel)
        assert refusal(await part(at_alice, people.channel, len(BLOB))) == "wrong_offset"


async def test_quotas_count_whole_uploads_from_their_beginning(tmp_path: Path) -> None:
    small = replace(OPEN, identity_blob_bytes_max=len(BLOB) + 10)
    async with team(tmp_path, small) as (people, at_alice, at_bob):
        await begin(at_alice, people.channel)
        answer = await begin(at_alice, people.channel, bytes(11))
        assert isinstance(answer, f.Refused)
        assert (answer.kind, answer.field, answer.come_back) == (
            "quota_exceeded", "identity", True,
        )  # fmt: skip
        assert answer.retry_after_ms == small.quota_retry_ms
        assert here(await begin(at_bob, people.channel, bytes(11)))[0] == 0


async def test_one_blob_the_channel_the_store_and_the_disk_have_bounds(tmp_path: Path) -> None:
    for number, (bound, kind) in enumerate(
        {
            "blob_bytes_max": "too_large",
            "channel_blob_bytes_max": "quota_exceeded",
            "store_blob_bytes_max": "quota_exceeded",
        }.items()
    ):
        settings = replace(OPEN, **{bound: len(BLOB) - 1})
        async with team(tmp_path / str(number), settings) as (people, at_alice, _):
            assert refusal(await begin(at_alice, people.channel)) == kind
    settings = replace(OPEN, blob_free_bytes_min=2**62)
    async with team(tmp_path / "disk", settings) as (people, at_alice, _):
        assert refusal(await begin(at_alice, people.channel)) == "storage_full"


async def test_an_expired_blob_and_an_abandoned_upload_leave_row_and_file(tmp_path: Path) -> None:
    settings = replace(OPEN, upload_idle_seconds=0.001)
    async with team(tmp_path, settings) as (people, at_alice, at_bob):
        blob = os.urandom(100)
        state = await begin(at_alice, people.channel, blob, expires=now_ms() + 60_000)
        await chunk(at_alice, people.channel, here(state)[0], blob, sha256(blob).digest())
        await begin(at_bob, people.channel)
        await chunk(at_bob, people.channel, 0, b"some")
        assert len(people.files) == 2
        blobs = people.relay.relay._blobs
        blobs._clock = lambda: now_ms() + 120_000
        await at_bob.close()
        await blobs.sweep()
        while people.files:  # bob's connection is gone in a moment, and his upload with it
            await blobs.sweep()


async def test_what_is_left_over_is_removed_at_the_start(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, _):
        await upload(at_alice, people.channel)
    folder = tmp_path / "blobs"
    for name in ("0" * 32, "1" * 32 + ".part"):
        (folder / name).write_bytes(b"an orphan")
    (kept,) = [path for path in folder.iterdir() if path.stat().st_size == len(BLOB)]
    async with (
        running_relay(tmp_path) as relay,
        await RelayClient.connect(relay.url, people.alice) as client,
    ):
        assert isinstance(await part(client, people.channel), f.BlobPart)
        assert list(folder.iterdir()) == [kept]
    kept.unlink()
    async with (
        running_relay(tmp_path) as relay,
        await RelayClient.connect(relay.url, people.alice) as client,
    ):
        assert refusal(await part(client, people.channel)) == "unknown_blob"
        assert here(await upload(client, people.channel)) == (len(BLOB), True)


async def test_a_complete_file_whose_row_was_not_settled_is_settled(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, _):
        await begin(at_alice, people.channel)
        await chunk(at_alice, people.channel, 0, BLOB[:MAX_BLOB_PART])
    (file,) = (tmp_path / "blobs").iterdir()
    with file.open("ab") as rest:
        rest.write(BLOB[MAX_BLOB_PART:])
    file.rename(file.with_suffix(""))
    async with (
        running_relay(tmp_path) as relay,
        await RelayClient.connect(relay.url, people.alice) as client,
    ):
        assert here(await begin(client, people.channel)) == (len(BLOB), True)
