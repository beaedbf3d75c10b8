"""Bob's vault, which has met alice, and a relay that keeps the histories of both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from peerpost_daemon.histories import Histories
from peerpost_daemon.inbound import opening
from peerpost_daemon.inbound.checkpoints import Checkpoints
from peerpost_daemon.inbound.opening import Recipient
from peerpost_daemon.records import alarms, contacts
from peerpost_protocol.checkpoint import checkpoint_of
from peerpost_protocol.envelope import Checkpoint
from tests.support.history_keeper import HistoryKeeper, reader
from tests.support.identities import device
from tests.support.people import NOW_MS, Channel, channel_of, person
from tests.support.receiving import Chain, Desk, open_desk

ALICE, BOB, CAROL = person("alice"), person("bob"), person("carol")
PHONE = device("alice", "phone", ALICE)
EVE = person("alice", device="evil")


class Scene(Struct):
    """Be bob's desk, and what he asks for histories."""

    keeper: HistoryKeeper
    desk: Desk
    histories: Histories
    channel: Channel
    checkpoints: Checkpoints

    async def usable(self) -> list[bytes]:
        """Return the ids of the cards that bob would seal to for alice."""
        found = await self.desk.read(lambda db: contacts.usable(db, ALICE.identity))
        return [card.id for card in found]

    async def state(self) -> str:
        return await self.desk.read(lambda db: contacts.state(db, ALICE.identity).value)

    async def alarms(self) -> list[str]:
        return [alarm.change for alarm in await self.desk.read(alarms.everything)]

    def checkpoint(self) -> Checkpoint:
        """Return what somebody writes who knows all that the relay has."""
        return checkpoint_of((ALICE.identity, BOB.identity, CAROL.identity), self.keeper.histories)

    async def hears(self, chain: Chain, text: str, checkpoint: Checkpoint) -> None:
        """Take an envelope with a checkpoint, and look at what that says."""
        item = self.desk.item(chain.next(text, checkpoint=checkpoint))
        await self.desk.take_items(self.channel, [item])
        me = Recipient(BOB.card, BOB.keys)
        opened = opening.open_items(opening.parse([item]), self.desk.cards, me)
        taken = [(self.channel.id, opened)]
        await self.checkpoints.look(
            await self.desk.read(lambda db: self.checkpoints.doubted(db, taken))
        )

    async def told(self) -> list[str]:
        return [event["reason"] for event in await self.desk.events("contact.changed")]


@asynccontextmanager
async def history_scene(folder: Path) -> AsyncIterator[Scene]:
    """Set it: a channel of three, each of whom has a history of one card."""
    desk = await open_desk(folder, BOB, ALICE, CAROL, PHONE)
    keeper = HistoryKeeper()
    for who in (ALICE, BOB, CAROL):
        keeper.begin(who)
    histories = reader(keeper, desk.database, BOB)
    channel = channel_of(ALICE, BOB, CAROL)
    await desk.begin(channel)
    await histories.refresh([ALICE.identity, BOB.identity, CAROL.identity])
    checkpoints = Checkpoints(desk.database, histories, now_ms=lambda: NOW_MS)
    yield Scene(keeper, desk, histories, channel, checkpoints)
    await desk.database.close()
