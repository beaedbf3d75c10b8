"""A member fills the relay's store: with roster events, with rows, or so that nobody can remove it.

All that a member makes the relay keep counts for the channel and for the member's identity, whatever it is, until it
is gone; the refusal says when to come back. Removing somebody needs no room.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_protocol import frames as f
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.roster import Roster
from peerpost_relay import membership
from peerpost_relay.store import ROWS_BYTES
from tests.support.relay_client import Person, RelayClient, now_ms, position, refusal
from tests.support.relay_server import OPEN, running_relay

ROOM = 4_000  # for a roster event and one large envelope, or a few small ones


@asynccontextmanager
async def scene(folder: Path, **quotas: float) -> AsyncIterator[tuple[Person, Person, RelayClient]]:
    """Be mallory, a friend with a card, and mallory's session at a relay with these quotas."""
    mallory, friend = Person("mallory@example.org"), Person("friend@example.org")
    async with (
        running_relay(folder, replace(OPEN, **quotas)) as relay,
        await RelayClient.register(relay.url, friend),
        await RelayClient.register(relay.url, mallory) as client,
    ):
        yield mallory, friend, client


def full(answer: f.RelayFrame, field: str) -> None:
    assert isinstance(answer, f.Refused), answer
    assert (answer.kind, answer.field, answer.come_back) == (Refusal.QUOTA_EXCEEDED, field, True)
    assert answer.retry_after_ms


async def test_roster_events_fill_a_channel_as_envelopes_do(tmp_path: Path) -> None:
    async with scene(tmp_path, channel_bytes_max=ROOM) as (mallory, friend, client):
        roster, event = mallory.create([])
        position(await client.submit(event))
        answer: f.RelayFrame = f.Accepted(0, b"", 0)
        for _ in range(20):
            added, event = mallory.add(roster, friend)
            answer = await client.submit(event)
            if isinstance(answer, f.Refused):
                break
            roster, event = mallory.remove(added, friend)
            position(await client.submit(event))
        full(answer, "channel")
        full(await client.publish(mallory.envelope(roster)), "channel")


async def test_channels_count_for_who_creates_them(tmp_path: Path) -> None:
    async with scene(tmp_path, identity_bytes_max=ROOM) as (mallory, _, client):
        answers = [await client.submit(mallory.create([])[1]) for _ in range(20)]
        full(answers[-1], "identity")


async def test_what_stays_of_expired_envelopes_counts(tmp_path: Path) -> None:
    async with scene(tmp_path, channel_bytes_max=ROOM, upkeep_seconds=0.01) as (mallory, _, client):
        roster, event = mallory.create([])
        position(await client.submit(event))
        stored = 0
        while not isinstance(
            answer := await publish_for_a_moment(client, mallory, roster), f.Refused
        ):
            stored += 1
            await gone(client, roster)
        full(answer, "channel")
        assert (
            stored > ROOM // 2 // ROWS_BYTES
        )  # their bodies alone would have filled it long before


async def publish_for_a_moment(client: RelayClient, person: Person, roster: Roster) -> f.RelayFrame:
    place = person.place(roster, expires_at_ms=now_ms() + 200)
    return await client.publish(person.envelope(roster, place=place))


async def gone(client: RelayClient, roster: Roster) -> None:
    """Wait until all envelopes of the channel have expired."""
    async with asyncio.timeout(10):
        while True:
            page = await client.read(roster.channel)
            assert isinstance(page, f.StreamPage)
            if len(page.items) == 1:  # the roster event
                return


async def test_who_fills_a_channel_is_removed_all_the_same(tmp_path: Path) -> None:
    async with scene(tmp_path, channel_bytes_max=ROOM, identity_bytes_max=ROOM) as (
        owner,
        filler,
        client,
    ):
        roster, event = owner.create([filler])
        position(await client.submit(event))
        while not isinstance(answer := await client.publish(owner.envelope(roster)), f.Refused):
            pass
        full(answer, "channel")
        position(await client.submit(owner.remove(roster, filler)[1]))


async def test_nobody_comes_and_goes_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each membership of a card is read with whatever the card does in the channel."""
    monkeypatch.setattr(membership, "JOININGS_MAX", 2)
    async with scene(tmp_path) as (mallory, victim, client):
        roster, event = mallory.create([victim])
        position(await client.submit(event))
        for _ in range(membership.JOININGS_MAX - 1):
            roster, event = mallory.remove(roster, victim)
            position(await client.submit(event))
            roster, event = mallory.add(roster, victim)
            position(await client.submit(event))
        roster, event = mallory.remove(roster, victim)
        position(await client.submit(event))
        answer = await client.submit(mallory.add(roster, victim)[1])
        assert refusal(answer) == Refusal.TOO_MANY_MEMBERS
