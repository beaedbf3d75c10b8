"""Blobs that are removed before their time: by who uploaded them, by admins, and with what the channel keeps."""

from pathlib import Path

from peerpost_protocol import frames as f
from peerpost_protocol.roster import Policies, SetPolicies, apply_event
from tests.relay.test_blobs import BLOB, ID, here, part, team, upload
from tests.support.relay_client import RelayClient, now_ms, refusal


async def remove(client: RelayClient, channel: bytes) -> f.RelayFrame:
    return await client.ask(f.RemoveBlob(client.request(), channel, ID))


def accepted(answer: f.RelayFrame) -> bytes:
    assert isinstance(answer, f.Accepted), answer
    return answer.subject


async def test_who_uploaded_it_removes_it_with_its_file_as_often_as_it_asks(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, at_bob):
        await upload(at_bob, people.channel)
        assert len(people.files) == 1
        for _ in range(2):
            assert accepted(await remove(at_bob, people.channel)) == ID
        assert people.files == []
        assert refusal(await part(at_alice, people.channel)) == "unknown_blob"
        assert here(await upload(at_bob, people.channel)) == (len(BLOB), True)


async def test_what_was_removed_counts_no_more(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, _, at_bob):
        await upload(at_bob, people.channel)
        await remove(at_bob, people.channel)
        store = people.relay.relay._store
        used = await store.read(lambda s: s.blob_usage(1, people.bob.card.identity, 1))
        assert (used.identity, used.channel, used.store, used.uploads) == (0, 0, 0, 0)


async def test_an_admin_removes_what_a_member_uploaded(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, at_bob):
        await upload(at_bob, people.channel)
        assert accepted(await remove(at_alice, people.channel)) == ID
        assert people.files == []


async def test_who_was_removed_takes_its_own_files_along(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, at_bob):
        await upload(at_bob, people.channel)
        _, event = people.alice.remove(people.roster, people.bob)
        apply_event(people.roster, event)
        await at_alice.submit(event)
        assert accepted(await remove(at_bob, people.channel)) == ID
        assert people.files == []


async def test_a_blob_is_kept_no_longer_than_the_channel_keeps_messages(tmp_path: Path) -> None:
    async with team(tmp_path) as (people, at_alice, at_bob):
        event = people.alice.event(people.roster, SetPolicies(Policies(expire_ms=60_000)))
        await at_alice.submit(event)
        await upload(at_bob, people.channel)
        blobs = people.relay.relay._blobs
        blobs._clock = lambda: now_ms() + 59_000
        await blobs.sweep()
        assert len(people.files) == 1
        blobs._clock = lambda: now_ms() + 60_000
        await blobs.sweep()
        assert people.files == []
