"""A scenario from a seed: who talks when, and what breaks when; each kind of thing draws from a stream of its own.

What is planned repeats with the seed, and everything else does too: `replay` says how to see one again.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.faults.checker import Verdict
from tests.faults.simulation.hosts import Host
from tests.faults.simulation.judging import verdicts, violations
from tests.faults.simulation.loop import StalledError
from tests.faults.simulation.world import World, run, world

HOUR = 3_600.0
DAY = 24 * HOUR
WEEK = 7 * DAY
NAMES = (
    "anna", "bert", "cleo", "dora", "emil", "finn", "gina", "hugo", "ines", "jost",
    "kira", "lars", "mira", "nils", "olga", "paul", "resa", "sven", "tina", "udo",
)  # fmt: skip
CORE_MEMBERS = (3, 6)
LONGEST_BURST = 6
DIRECT_SHARE = 0.15
GUEST_SHARE = 0.2
BEGIN_SECONDS = 600.0  # for all to know their channels, which takes no minute
END_SECONDS = 2 * HOUR  # for a run to come to rest once everybody is there again
QUIET_SECONDS = 120.0  # for all to be online and done
SPITE_SHARE = 0.5  # of the bursts, in the middle of which something breaks
SPITE_SECONDS = (0.02, 0.4)
CLOCK_SECONDS = 2 * DAY  # by which a wall clock may jump either way
SHOWN_LINES = 30


@dataclass(frozen=True)
class Plan:
    """Say how much of everything; the mean hours between two faults are those of one host."""

    seed: int
    seconds: float = WEEK
    hosts: int = 20
    channels: int = 6
    messages: int = 600
    hours_to_offline: float = 16.0
    hours_offline: float = 3.0
    hours_to_cut: float = 4.0
    hours_to_drip: float = 24.0
    hours_to_relay_fault: float = 10.0
    hours_to_clock_jump: float = 36.0
    hours_to_roster_change: float = 8.0


@dataclass
class Result:
    """Be what came of a run."""

    plan: Plan
    digest: str
    said: int
    given: int
    counts: dict[str, int]
    verdicts: list[Verdict]
    violations: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)

    def report(self) -> str:
        """Return what is wrong, what happened last, and how to see it again."""
        return "\n".join(
            [
                f"seed {self.plan.seed}: {len(self.violations)} violations",
                *(f"  {line}" for line in self.violations[:SHOWN_LINES]),
                "last lines of the trace:",
                *(f"  {line}" for line in self.last[-SHOWN_LINES:]),
                replay(self.plan),
            ]
        )


def replay(plan: Plan) -> str:
    """Return the command that shows a run again."""
    if plan == day(plan.seed):
        return (
            f"again: SIMULATION_SEEDS={plan.seed} "
            "python -m pytest tests/faults/test_simulation.py -k nothing_is_lost"
        )
    return (
        f"again: scripts/faults simulation --seed {plan.seed} --worlds 1 "
        f"--days {plan.seconds / DAY:g}"
    )


class Scenario:
    """Let a plan happen in a world."""

    def __init__(self, plan: Plan, there: World) -> None:
        self.plan = plan
        self.world = there
        self.members: dict[bytes, list[Host]] = {}  # the owner first; guests are not among them
        self.present: dict[bytes, set[Host]] = {}  # guests
        self.counts: dict[str, int] = {}
        self._until = 0.0

    async def play(self) -> list[str]:
        """Begin, let it happen, and judge."""
        async with asyncio.timeout(BEGIN_SECONDS):
            await self._begin()
        self._until = self.world.loop.time() + self.plan.seconds
        happenings: list[Coroutine[Any, Any, None]] = [self._talk(), self._relay(), self._rosters()]
        for host in self.world.hosts.values():
            happenings += [self._life(host), self._cuts(host), self._drips(host)]
            happenings.append(self._clock(host))
        await asyncio.gather(*happenings)
        async with asyncio.timeout(END_SECONDS):
            await self._crossings()
            return await violations(self.world)

    async def _begin(self) -> None:
        draw = self.world.stream("channels")
        await self.world.station.start()
        hosts = [await self.world.host(name) for name in NAMES[: self.plan.hosts]]
        await asyncio.sleep(10)
        guests = hosts[: round(len(hosts) * GUEST_SHARE)]
        core = hosts[len(guests) :]
        self.world.guests = {guest.name for guest in guests}
        for number in range(self.plan.channels):
            owner, *others = draw.sample(core, min(len(core), draw.randint(*CORE_MEMBERS)))
            id_ = await self.world.channel(owner, f"channel {number}", *others)
            self.members[id_] = [owner, *others]
            self.present[id_] = set()

    # -- what people do --------------------------------------------------------------------------

    async def _talk(self) -> None:
        """Say everything, in bursts at random times."""
        draw = self.world.stream("talk")
        left = self.plan.messages
        mean = self.plan.seconds / (left / (1 + LONGEST_BURST) * 2)
        while left > 0 and await self._pause(draw, mean):
            for _ in range(min(left, draw.randint(1, LONGEST_BURST))):
                sender = self._say(draw, self.plan.messages - left)
                left -= 1
                await asyncio.sleep(draw.choice((0, 0.01, 1.0)))
            if draw.random() < SPITE_SHARE:
                await self._spite(draw, sender)

    async def _spite(self, draw: Random, sender: Host) -> None:
        """Break something while what was just said is under way."""
        await asyncio.sleep(draw.expovariate(1 / draw.choice(SPITE_SECONDS)))
        host = draw.choice([sender, *self.world.hosts.values()])
        how = draw.choice(("host killed", "relay killed", "all cut", "one cut"))
        self._count(f"{how} in the middle")
        if how == "host killed":
            await host.crash()
            await host.start()
        elif how == "relay killed":
            await self.world.station.crash()
            await self.world.station.start()
        else:
            cut = self.world.network.of(host.name) if how == "one cut" else None
            for pipe in cut or list(self.world.network.pipes.values()):
                pipe.cut()

    def _say(self, draw: Random, number: int) -> Host:
        channel = draw.choice(list(self.members))
        guests = sorted(self.present[channel], key=lambda host: host.name)
        sender = draw.choice(self.members[channel] + guests)
        if draw.random() < DIRECT_SHARE:
            others = [host for host in self.members[channel] if host is not sender]
            sender.say(f"line {number}", to=draw.choice(others).identity)
        else:
            sender.say(f"line {number}", channel=channel)
        return sender

    async def _rosters(self) -> None:
        """Let guests come and go."""
        draw = self.world.stream("rosters")
        guests = sorted(self.world.guests)
        while guests and await self._pause(draw, self.plan.hours_to_roster_change * HOUR):
            channel = draw.choice(list(self.members))
            guest = self.world.hosts[draw.choice(guests)]
            await self._toggle(channel, guest)

    async def _toggle(self, channel: bytes, guest: Host) -> None:
        owner, present = self.members[channel][0], self.present[channel]
        if not owner.running.is_set():
            return
        if guest in present:
            present.discard(guest)
            await self.world.change(owner, channel, remove=guest.identity)
        elif await self.world.change(owner, channel, add=guest.identity):
            present.add(guest)
        self._count("roster changes")

    async def _crossings(self) -> None:
        """Let the adding of a stranger to each channel cross a message of each member, and nothing come after it.

        Whoever was refused for a roster that he has not got yet, because he has to ask for the stranger's card first,
        must be woken by that roster: by nothing else.
        """
        draw = self.world.stream("crossings")
        await self.world.heal()
        for number, (channel, (_, *others)) in enumerate(self.members.items()):
            stranger = await self.world.host(f"stranger{number}")
            self.world.guests.add(stranger.name)
            await asyncio.sleep(QUIET_SECONDS)
            saying = [self._say_later(one, channel, draw.uniform(0.1, 0.6)) for one in others]
            await asyncio.gather(self._toggle(channel, stranger), *saying)

    async def _say_later(self, host: Host, channel: bytes, seconds: float) -> None:
        await asyncio.sleep(seconds)
        host.say(f"line that crosses {len(host.said)}", channel=channel)

    # -- what breaks -----------------------------------------------------------------------------

    async def _life(self, host: Host) -> None:
        """End the daemon or its network for hours, or kill it for a moment."""
        draw = self.world.stream(f"{host.name}'s life")
        while await self._pause(draw, self.plan.hours_to_offline * HOUR):
            how = draw.choice(("stopped", "killed", "dark", "killed for a moment"))
            self._count(how)
            if how == "dark":
                self.world.darken(host.name)
            elif how == "stopped":
                await host.stop()
            else:
                await host.crash()
            mean = 5.0 if how == "killed for a moment" else self.plan.hours_offline * HOUR
            await asyncio.sleep(draw.expovariate(1 / mean))
            self.world.brighten(host.name)
            await host.start()

    async def _cuts(self, host: Host) -> None:
        draw = self.world.stream(f"{host.name}'s cuts")
        while await self._pause(draw, self.plan.hours_to_cut * HOUR):
            for pipe in self.world.network.of(host.name):
                if draw.random() < 0.5:
                    pipe.cut()
                else:
                    pipe.swallow()
                self._count("connections lost")

    async def _drips(self, host: Host) -> None:
        draw = self.world.stream(f"{host.name}'s drips")
        while await self._pause(draw, self.plan.hours_to_drip * HOUR):
            self.world.drip(host.name, draw.uniform(100, 2_000))
            self._count("slow readers")
            await asyncio.sleep(draw.expovariate(1 / HOUR))
            self.world.brighten(host.name)

    async def _clock(self, host: Host) -> None:
        draw = self.world.stream(f"{host.name}'s clock")
        while await self._pause(draw, self.plan.hours_to_clock_jump * HOUR):
            self._jump(draw, host)

    def _jump(self, draw: Random, whose: Any) -> None:
        whose.clock.wrong_ms = int(draw.uniform(-CLOCK_SECONDS, CLOCK_SECONDS) * 1000)
        self._count("clock jumps")

    async def _relay(self) -> None:
        draw, station = self.world.stream("the relay's life"), self.world.station
        while await self._pause(draw, self.plan.hours_to_relay_fault * HOUR):
            killed = draw.random() < 0.7
            await (station.crash() if killed else station.stop())
            self._count("relay killed" if killed else "relay stopped")
            if draw.random() < 0.3:
                self._jump(draw, station)
            await asyncio.sleep(draw.choice((0.1, 5.0, 600.0)) * draw.random())
            await station.start()

    # --------------------------------------------------------------------------------------------

    async def _pause(self, draw: Random, mean_seconds: float) -> bool:
        """Wait for the next time; return whether the scenario still goes on then."""
        at = self.world.loop.time() + draw.expovariate(1 / mean_seconds)
        await asyncio.sleep(min(at, self._until) - self.world.loop.time())
        return at < self._until

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
        self.world.trace.note(f"happening: {what}")


def simulate(plan: Plan) -> Result:
    """Let a plan happen in a world of its own."""
    with world(plan.seed) as there:
        scenario = Scenario(plan, there)
        try:
            found = run(there, scenario.play())
        except StalledError as error:
            found = [f"it never ends: {error}"]
        except TimeoutError:
            found = ["it never ends: somebody waits for what does not come"]
        return Result(
            plan,
            there.trace.digest,
            sum(len(host.said) for host in there.hosts.values()),
            sum(len(host.given) for host in there.hosts.values()),
            dict(sorted(scenario.counts.items())),
            verdicts(there),
            found,
            list(there.trace.last),
        )


def day(seed: int) -> Plan:
    """Return a short plan: a day of six hosts, with faults as often as in a bad week."""
    return Plan(
        seed, DAY, hosts=6, channels=2, messages=60, hours_to_offline=4, hours_offline=1,
        hours_to_cut=1.5, hours_to_drip=8, hours_to_relay_fault=4, hours_to_roster_change=1.5,
    )  # fmt: skip
