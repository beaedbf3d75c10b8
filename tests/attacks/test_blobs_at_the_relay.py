"""A stranger, a former member and a member attack the relay's blobs.

They read what is not theirs, upload other bytes than the id names, write anywhere but at the end, send ids that
would be paths, go over every bound, begin more uploads than they may, and remove files that others sent. Nothing is
stored, nothing else suffers.
"""

import os
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_protocol import frames as f
from peerpost_protocol.roster import apply_event
from tests.relay.test_blobs import BLOB, ID, begin, chunk, here, part, team, upload
from tests.support.relay_client import RelayClient, refusal
from tests.support.relay_server import OPEN

RELAYS_OWN = ["relay.key", "relay.sqlite", "relay.sqlite-shm", "relay.sqlite-wal"]


async def test_who_is_no_member_neither_reads_nor_uploads(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, _):
        await upload(at_alice, people.channel)
        async with await RelayClient.register(people.relay.url, people.mallory) as client:
            assert refusal(await part(client, people.channel)) == "unknown_channel"
            assert refusal(await begin(client, people.channel)) == "unknown_channel"
            roster, event = people.mallory.create([])
            await client.submit(event)
            assert refusal(await part(client, roster.channel)) == "unknown_blob"


async def test_a_removed_member_reads_no_more_and_finishes_no_upload(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, at_bob):
        await upload(at_alice, people.channel)
        other = os.urandom(10)
        await begin(at_bob, people.channel, other)
        _, event = people.alice.remove(people.roster, people.bob)
        apply_event(people.roster, event)
        await at_alice.submit(event)
        assert refusal(await part(at_bob, people.channel)) == "not_a_member"
        answer = await chunk(at_bob, people.channel, 0, other, sha256(other).digest())
        assert refusal(answer) == "not_a_member"


async def test_a_stranger_without_a_card_gets_nothing(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, _):
        await upload(at_alice, people.channel)
        async with await RelayClient.connect(people.relay.url) as client:
            await client.greet()
            assert refusal(await part(client, people.channel)) == "not_authenticated"


async def test_other_bytes_than_the_id_names_are_dropped(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, at_bob):
        await begin(at_alice, people.channel)
        other = bytes(len(BLOB))
        await chunk(at_alice, people.channel, 0, other[:200_000])
        assert (
            refusal(await chunk(at_alice, people.channel, 200_000, other[200_000:])) == "wrong_blob"
        )
        assert people.files == []
        assert refusal(await part(at_bob, people.channel)) == "unknown_blob"
        assert here(await begin(at_alice, people.channel)) == (0, False)


async def test_a_resumed_upload_with_other_bytes_is_dropped(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, _):
        await begin(at_alice, people.channel)
        await chunk(at_alice, people.channel, 0, BLOB[:200_000])
        async with await RelayClient.connect(people.relay.url, people.alice) as again:
            await begin(again, people.channel)
            answer = await chunk(again, people.channel, 200_000, bytes(len(BLOB) - 200_000))
            assert refusal(answer) == "wrong_blob"


@pytest.mark.parametrize("offset", [1, 999, 1001, 2**53 - 1])
async def test_a_chunk_out_of_order_changes_nothing(tmp_path: Path, offset: int) -> None:
    async with team(tmp_path) as (people, at_alice, _):
        await begin(at_alice, people.channel)
        await chunk(at_alice, people.channel, 0, BLOB[:1000])
        assert refusal(await chunk(at_alice, people.channel, offset, b"x")) == "wrong_offset"
        assert here(await begin(at_alice, people.channel)) == (1000, False)


async def test_more_than_was_begun_is_not_taken(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, _):
        await begin(at_alice, people.channel, BLOB[:10], id_=ID)
        assert refusal(await chunk(at_alice, people.channel, 0, BLOB[:11])) == "too_large"
        assert refusal(await begin(at_alice, people.channel)) == "wrong_blob"


async def test_one_member_does_not_write_into_the_upload_of_another(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, at_bob):
        await begin(at_alice, people.channel)
        assert refusal(await chunk(at_bob, people.channel, 0, b"poison")) == "unknown_blob"
        await begin(at_bob, people.channel)
        await chunk(at_bob, people.channel, 0, b"poison")
        assert here(await upload(at_alice, people.channel)) == (len(BLOB), True)


async def test_no_id_of_the_wire_becomes_a_path(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, _):
        path = b"../../../../../../../.peerpost-x"
        assert len(path) == 32
        await begin(at_alice, people.channel, b"x", id_=path)
        await chunk(at_alice, people.channel, 0, b"y", path)
        assert not people.files
        assert sorted(p.name for p in people.relay.folder.glob("relay.*")) == RELAYS_OWN


async def test_upload_slots_are_bounded_for_each_card(tmp_path: Path) -> None:
    settings = replace(OPEN, uploads_per_card_max=2)
    async with team(tmp_path, settings) as (people, at_alice, at_bob):
        for number in range(2):
            assert here(await begin(at_alice, people.channel, bytes([number])))[0] == 0
        answer = await begin(at_alice, people.channel, b"third")
        assert isinstance(answer, f.Refused)
        assert (answer.kind, answer.come_back) == ("too_many_uploads", True)
        assert answer.retry_after_ms
        assert here(await upload(at_bob, people.channel)) == (len(BLOB), True)


async def test_what_waits_in_memory_is_bounded_for_each_connection(tmp_path: Path) -> None:
    settings = replace(OPEN, peer_blob_bytes_max=300_000)
    async with team(tmp_path, settings) as (people, at_alice, at_bob):
        await upload(at_alice, people.channel)
        for _ in range(20):
            await at_bob.send(f.ReadBlob(at_bob.request(), people.channel, ID, 0, 200_000))
        answers = [await at_bob.next() for _ in range(20)]
        kinds = {a.kind if isinstance(a, f.Refused) else "part" for a in answers}
        assert kinds == {"part", "too_many_requests"}
        assert isinstance(await part(at_bob, people.channel), f.BlobPart)


async def test_a_member_does_not_remove_what_another_has_sent(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, at_bob):
        await upload(at_alice, people.channel)
        await upload(at_bob, people.channel)  # "it is there": it does not become his
        ask = f.RemoveBlob(at_bob.request(), people.channel, ID)
        assert refusal(await at_bob.ask(ask)) == "not_an_admin"
        assert isinstance(await part(at_bob, people.channel), f.BlobPart)


async def test_a_stranger_and_a_former_admin_remove_nothing(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, at_bob):
        await upload(at_bob, people.channel)
        async with await RelayClient.register(people.relay.url, people.mallory) as client:
            ask = f.RemoveBlob(client.request(), people.channel, ID)
            assert refusal(await client.ask(ask)) == "unknown_channel"
        _, event = people.alice.leave(people.roster)
        apply_event(people.roster, event)
        await at_alice.submit(event)
        ask = f.RemoveBlob(at_alice.request(), people.channel, ID)
        assert refusal(await at_alice.ask(ask)) == "not_an_admin"
        assert isinstance(await part(at_bob, people.channel), f.BlobPart)


async def test_each_takes_only_its_own_copy_of_what_two_have_uploaded(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, at_bob):
        await begin(at_alice, people.channel)
        await upload(at_bob, people.channel)
        await chunk(at_alice, people.channel, 0, BLOB[:200_000])
        await chunk(at_alice, people.channel, 200_000, BLOB[200_000:])
        await at_bob.ask(f.RemoveBlob(at_bob.request(), people.channel, ID))
        assert isinstance(await part(at_alice, people.channel), f.BlobPart)
        assert len(people.files) == 1
