"""The relay's database is an older copy: the operator restored a backup, or wants something unsaid.

Positions are given a second time. A reader who stood beyond the copy's end is told so and reads on from there, instead
of passing over new envelopes as known ones; what it holds already is not shown again, a removal that it has seen stays
in force, and a sender does not use a sequence again.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct

from peerpost_protocol.frames import Accepted
from peerpost_protocol.roster import Roster
from tests.attacks.scene import ALICE, BOB, CAROL
from tests.support.accounts import RunningAccount, account
from tests.support.malicious_relay import malicious_relay
from tests.support.relay_client import Person, RelayClient, refusal

Accounts = tuple[RunningAccount, RunningAccount, RunningAccount]


class Restored(Struct):
    """Be where the relay's data is, and its port once it has run."""

    folder: Path
    port: int = 0
    url: str = ""

    def back_up(self) -> None:
        shutil.copytree(self.folder / "relay", self.folder / "copy")

    def restore(self) -> None:
        shutil.rmtree(self.folder / "relay")
        (self.folder / "copy").rename(self.folder / "relay")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Accounts]:
        """Run the relay and three accounts on it."""
        async with AsyncExitStack() as stack:
            relay = await stack.enter_async_context(
                malicious_relay(self.folder / "relay", self.port)
            )
            self.url, self.port = relay.url, int(relay.url.rpartition(":")[2])
            alice, bob, carol = [
                await stack.enter_async_context(account(self.folder / who, who, relay.url))
                for who in (ALICE, BOB, CAROL)
            ]
            for each in (alice, bob, carol):
                await each.online()
            yield alice, bob, carol


async def test_new_envelopes_at_old_positions_are_shown(tmp_path: Path) -> None:
    site = Restored(tmp_path)
    async with site.serving() as (alice, bob, carol):
        channel = await alice.channel("ops", BOB, CAROL)
        await alice.send(channel, "one")
        await bob.shows(channel, "one")
        await carol.shows(channel, "one")
    site.back_up()
    async with site.serving() as (alice, bob, carol):
        await alice.send(channel, "two")
        await bob.shows(channel, "one", "two")
        await carol.shows(channel, "one", "two")
    site.restore()
    async with site.serving() as (alice, bob, carol):
        event = await alice.told("daemon", change="relay_rolled_back")
        assert event["detail"]
        await carol.send(channel, "at an old position")
        await bob.shows(channel, "one", "two", "at an old position")
        assert await bob.reasons() == []


async def test_positions_that_others_have_filled_up_again_are_read_again(tmp_path: Path) -> None:
    site = Restored(tmp_path)
    async with site.serving() as (alice, bob, carol):
        channel = await alice.channel("ops", BOB, CAROL)
        await alice.outgoing(await alice.send(channel, "one"), "delivered")
    site.back_up()
    async with site.serving() as (alice, bob, carol):
        await alice.outgoing(await alice.send(channel, "two"), "delivered")
    site.restore()
    async with malicious_relay(tmp_path / "relay", site.port) as relay:
        async with account(tmp_path / CAROL, CAROL, relay.url) as carol:
            await carol.told("daemon", change="relay_rolled_back")
            await carol.outgoing(await carol.send(channel, "in its place"), "sent")
        async with account(tmp_path / BOB, BOB, relay.url) as bob:
            await bob.told("daemon", change="relay_rolled_back")
            await bob.shows(channel, "one", "two", "in its place")
            assert await bob.reasons() == []


async def _before_a_removal(site: Restored) -> tuple[bytes, Roster, Person]:
    """Remove carol, and put the relay back to before; return the channel, its roster then, and carol's keys."""
    async with site.serving() as (alice, _, carol):
        channel = await alice.channel("ops", BOB, CAROL)
        before = await carol.follows(channel)
        removed = Person(CAROL)
        removed.keys, removed.card = carol.account.keys, carol.card
    site.back_up()
    async with site.serving() as (alice, bob, _):
        await alice.engine.channels.remove(channel, [CAROL])
        await bob.follows(channel, 1)
    site.restore()
    return channel, before, removed


async def test_a_removal_that_the_relay_lost_stays_in_force_with_those_who_know_it(
    tmp_path: Path,
) -> None:
    site = Restored(tmp_path)
    channel, before, removed = await _before_a_removal(site)
    async with malicious_relay(tmp_path / "relay", site.port) as relay:
        async with await RelayClient.connect(relay.url, removed) as client:
            envelope = removed.envelope(before, "back again")
            assert isinstance(await client.publish(envelope), Accepted)
        async with account(tmp_path / BOB, BOB, relay.url) as bob:
            assert (await bob.told("quarantine"))["reason"] == "stale_roster"
            assert await bob.texts(channel) == []


async def test_a_removal_that_was_given_back_is_kept_by_the_relay_too(tmp_path: Path) -> None:
    site = Restored(tmp_path)
    _, before, removed = await _before_a_removal(site)
    async with malicious_relay(tmp_path / "relay", site.port) as relay:
        async with account(tmp_path / ALICE, ALICE, relay.url) as alice:
            await alice.told("daemon", change="roster_given_back")
        async with await RelayClient.connect(relay.url, removed) as client:
            again = await client.publish(removed.envelope(before, "back again"))
            assert refusal(again) == "not_a_member"
