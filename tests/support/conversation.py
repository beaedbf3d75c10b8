"""A conversation of three through two crashes and an absence, and what became of every line.

The lines are said one after the other by whoever is there, in turn: each member has one call under
way at most, and the next member does not wait for its answer. Meanwhile

    1/6   bob's daemon is killed while bob says a line; bob says it again with the same key
    1/3   carol goes: her daemon is stopped
    9/20  the relay is killed          11/20  and started again
    2/3   carol comes back and catches up

Everybody listens all the time as a named consumer that acknowledges. `Conversation.held` returns
the rows of the account; see `account`.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.support.account import Row, Said, account_of
from tests.support.participant import Participant
from tests.support.site import DaemonProcess, Site

CHANNEL = "demonstration"
CATCH_UP_SECONDS = 60.0  # for the last line to reach everybody
ROUND_SECONDS = 30.0  # for one line to be taken by a daemon, restarts included


def silent(_sentence: str) -> None:
    """Show nothing."""


def unseen(_done: int, _total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Show:
    """Say what goes on: a sentence for each stage, and how many lines have been said."""

    stage: Callable[[str], None] = silent
    progress: Callable[[int, int], None] = unseen


class Conversation:
    """Hold a conversation of `lines` at a site whose relay runs."""

    def __init__(self, site: Site, lines: Sequence[str], show: Show | None = None) -> None:
        self.site = site
        self.lines = lines
        self.show = show or Show()
        self.said: list[Said] = []
        self._channel = ""
        self._turns = itertools.cycle(range(3))
        self._everybody: list[Participant] = []
        self._restarts: list[asyncio.Task[None]] = []
        total = len(lines)
        self._incidents: dict[int, Callable[[], Awaitable[None]]] = {
            total // 6: self._bob_crashes,
            total // 3: self._carol_goes,
            total * 9 // 20: self._relay_crashes,
            total * 11 // 20: self._relay_returns,
            total * 2 // 3: self._carol_returns,
        }

    async def held(self) -> list[Row]:
        """Hold it; return how each member fared, also when lines do not arrive."""
        daemons = await self.site.members("alice", "bob", "carol")
        self.show.stage("alice, bob and carol are registered")
        await self._gather(daemons)
        try:
            await self._say_all()
            await self._all_heard()
            return [await account_of(each, self._channel, self.said) for each in self._everybody]
        finally:
            for restart in self._restarts:
                restart.cancel()
            for each in self._everybody:
                await each.end()

    async def _gather(self, daemons: list[DaemonProcess]) -> None:
        """Make the channel; everybody begins to listen."""
        alice, *others = daemons
        made = await alice.client.channel_create(CHANNEL, [other.identity for other in others])
        self._channel = made["channel"]
        for other in others:
            await other.joined(self._channel)
        for daemon in daemons:
            account = await daemon.client.account_show()
            self._everybody.append(Participant(daemon, account["card"], self._channel))
            self._everybody[-1].come()
        self.show.stage(f"alice has made the channel {CHANNEL!r} for the three")

    async def _say_all(self) -> None:
        for number, line in enumerate(self.lines):
            if (incident := self._incidents.get(number)) is not None:
                await incident()
            async with asyncio.timeout(ROUND_SECONDS):
                await self._next_speaker().begin_to_say(number, line)
            self.show.progress(number + 1, len(self.lines))
        await asyncio.gather(*self._restarts)
        for each in self._everybody:
            await each.has_said()
            self.said += each.said

    async def _all_heard(self) -> None:
        self.show.stage("all is said; waiting for the last lines to arrive")
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                for each in self._everybody:
                    await each.has_heard(len(self.said) - len(each.said))
        except TimeoutError:  # the account says which ones
            self.show.stage(f"lines are missing after {CATCH_UP_SECONDS:.0f} seconds")

    def _next_speaker(self) -> Participant:
        while not (speaker := self._everybody[next(self._turns)]).is_here:
            pass
        return speaker

    # --- what happens in between

    async def _bob_crashes(self) -> None:
        self.show.stage("bob's daemon is killed while bob speaks (SIGKILL), and started again")
        bob = self._everybody[1]
        self._restarts.append(asyncio.create_task(bob.crash()))

    async def _carol_goes(self) -> None:
        self.show.stage("carol's daemon is stopped")
        await self._everybody[2].go()
        await self._everybody[2].daemon.stop()

    async def _carol_returns(self) -> None:
        self.show.stage("carol's daemon is started again")
        await self._everybody[2].daemon.start()
        self._everybody[2].come()

    async def _relay_crashes(self) -> None:
        self.show.stage("the relay is killed (SIGKILL); the others go on")
        await self.site.relay.process.kill()

    async def _relay_returns(self) -> None:
        self.show.stage("the relay is started again")
        await self.site.relay.start()
