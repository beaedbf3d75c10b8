"""SIGKILL at each named point of a rotation: a whole state follows, the old card or its successor; nothing is lost."""

import asyncio
from pathlib import Path

import pytest

from peerpost import PeerpostError
from peerpost.types.messages import Wait
from tests.faults.crashing import ROTATION_POINTS
from tests.faults.storm import StormSite
from tests.faults.victims import Victim
from tests.support.account import vault_of
from tests.support.processes import START_SECONDS
from tests.support.site import DaemonProcess, RelayProcess

UNDONE = tuple(ROTATION_POINTS)[: tuple(ROTATION_POINTS).index("rotation-signed-before") + 1]
"""Up to here no statement can be at the relay, and the next start goes on under the old card."""


class Rotating:
    """Be alice, who rotates and dies of it, and bob, who has verified her and talks with her all the while."""

    def __init__(self, site: StormSite) -> None:
        self.site = site
        self.said: list[str] = []

    async def begin(self) -> None:
        site = self.site
        await site.relay.start()
        self.alice, self.bob = await site.members("alice", "bob")
        self.channel = await self.say(self.alice, "hello", "delivered")
        shown = await self.bob.client.contact_safety_number(self.alice.identity)
        number = shown["safety_number"]
        await self.bob.client.contact_verify(self.alice.identity, safety_number=number)

    async def dies_at(self, point: str) -> None:
        """Let alice rotate up to a point, with words on their way, and start her again."""
        victim, before = victim_of(self.alice), await self.card()
        await self.alice.stop()
        victim.at = point
        await self.alice.start()
        await self.say(self.alice, f"before {point}", "sent")  # so the link is up
        await self.say(self.alice, f"on its way at {point}", "queued")
        with pytest.raises(PeerpostError):
            await self.alice.client.account_rotate()
        assert await victim.died(START_SECONDS), point
        victim.at = None
        await self.say(self.bob, f"while she was dead of {point}", "sent")
        await self.alice.start()
        if point not in UNDONE:
            await self._in_force(before)
        await self.say(self.alice, f"after {point}", "delivered")
        await self.say(self.bob, f"answer after {point}", "delivered")
        assert (await self.card() == before) is (point in UNDONE), point

    async def _in_force(self, before: str) -> None:
        kinds = ["daemon"]
        async with self.alice.client.listen(kinds=kinds, from_="start", timeout=20) as events:
            while await self.card() == before:
                await anext(events)

    async def card(self) -> str:
        return (await self.alice.client.card_show())["card"]

    async def say(self, who: DaemonProcess, text: str, wait: Wait) -> str:
        other = self.bob if who is self.alice else self.alice
        done = await who.client.send(to=other.identity, text=text, wait=wait, timeout=20)
        self.said.append(text)
        return str(done["channel"])

    async def all_is_there(self) -> None:
        """Compare what was said with what both have; alice is who she was to bob."""
        for member in (self.alice, self.bob):
            found = [m["text"] for m in await vault_of(member.client, self.channel)]
            assert sorted(map(str, found)) == sorted(self.said), member.identity
        contact = await self.bob.client.contact_show(self.alice.identity)
        assert contact["state"] == "verified"


def victim_of(place: DaemonProcess | RelayProcess) -> Victim:
    victim = place.process
    assert isinstance(victim, Victim)
    return victim


@pytest.mark.timeout(300)  # a dozen starts
async def test_a_killed_rotation_leaves_the_old_card_or_its_successor(tmp_path: Path) -> None:
    async with StormSite(tmp_path / "site") as site:
        scene = Rotating(site)
        await scene.begin()
        for point in ROTATION_POINTS:
            await scene.dies_at(point)
        await scene.all_is_there()


async def test_a_relay_that_dies_with_the_statement_stored_and_unanswered_loses_nothing(
    tmp_path: Path,
) -> None:
    async with StormSite(tmp_path / "site") as site:
        scene = Rotating(site)
        await scene.begin()
        before, relay = await scene.card(), victim_of(site.relay)
        await relay.kill()
        relay.at = "statement-stored"
        await site.relay.start()
        await scene.say(scene.alice, "before", "delivered")
        rotating = asyncio.create_task(scene.alice.client.account_rotate(timeout=60))
        assert await relay.died(START_SECONDS)
        await scene.say(scene.alice, "while the relay was dead", "queued")
        relay.at = None
        await site.relay.start()
        await rotating
        assert await scene.card() != before
        await scene.say(scene.alice, "after", "delivered")
        await scene.say(scene.bob, "answer", "delivered")
        await scene.all_is_there()
