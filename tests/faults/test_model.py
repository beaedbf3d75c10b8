"""Whatever happens in whatever order: hypothesis draws the steps, a dumb model says what must be there.

The world is the simulation's, in virtual time. `MODEL_EXAMPLES` and `MODEL_STEPS` make it longer.
"""

import asyncio
import os
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.faults.simulation.hosts import Host
from tests.faults.simulation.judging import verdicts, violations
from tests.faults.simulation.world import World, run, world

MEMBERS = ("anna", "bert", "cleo")
GUEST = "udo"
names = st.sampled_from(MEMBERS)


class Team(RuleBasedStateMachine):
    """Do things to a team; the model is the list of what each member has said, and who is in."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.said: list[tuple[str, str]] = []
        self.guest_is_in = False

    @initialize(seed=st.integers(0, 2**16))
    def begin(self, seed: int) -> None:
        self.world: World = self._stack.enter_context(world(seed))
        self.channel = run(self.world, self._begin())

    async def _begin(self) -> bytes:
        await self.world.station.start()
        members = [await self.world.host(name) for name in MEMBERS]
        await self.world.host(GUEST)
        self.world.guests = {GUEST}
        await asyncio.sleep(5)
        return await self.world.channel(members[0], "ops", *members[1:])

    def host(self, name: str) -> Host:
        return self.world.hosts[name]

    @rule(name=names, count=st.integers(1, 4))
    def send(self, name: str, count: int) -> None:
        for _ in range(count):
            text = f"line {len(self.said)}"
            self.said.append((self.host(name).identity, text))
            self.host(name).say(text, channel=self.channel)

    @rule(name=names, seconds=st.floats(0, 1))
    def crash_daemon(self, name: str, seconds: float) -> None:
        run(self.world, asyncio.sleep(seconds))
        run(self.world, self.host(name).crash())

    @rule(name=names)
    def start_daemon(self, name: str) -> None:
        run(self.world, self.host(name).start())

    @rule(seconds=st.floats(0, 1))
    def crash_relay(self, seconds: float) -> None:
        run(self.world, asyncio.sleep(seconds))
        run(self.world, self.world.station.crash())
        run(self.world, self.world.station.start())

    @rule(name=names)
    def partition(self, name: str) -> None:
        self.world.darken(name)

    @rule(name=names)
    def heal(self, name: str) -> None:
        self.world.brighten(name)

    @rule(name=names)
    def cut(self, name: str) -> None:
        for pipe in self.world.network.of(name):
            pipe.cut()

    @precondition(lambda self: self.host(MEMBERS[0]).running.is_set())
    @rule()
    def add_or_remove(self) -> None:
        owner, guest = self.host(MEMBERS[0]), self.host(GUEST).identity
        change = {"remove" if self.guest_is_in else "add": guest}
        if run(self.world, self.world.change(owner, self.channel, **change)):
            self.guest_is_in = not self.guest_is_in

    @rule(seconds=st.sampled_from((0.05, 1.0, 60.0, 7_200.0)))
    def advance_time(self, seconds: float) -> None:
        run(self.world, asyncio.sleep(seconds))

    @invariant()
    def nothing_is_invented_doubled_or_alarming(self) -> None:
        for verdict in verdicts(self.world) if hasattr(self, "world") else ():
            wrong = verdict.invented + verdict.duplicated + verdict.misordered
            assert not wrong, f"{verdict.member}: {wrong}"

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self._at_the_end()
        finally:
            self._stack.close()

    def _at_the_end(self) -> None:
        found = run(self.world, violations(self.world))
        assert not found, found
        for name in MEMBERS:
            me = self.host(name)
            heard = [(given.sender, given.text) for given in me.given]
            for other in {sender for sender, _ in self.said} - {me.identity}:
                wanted = [line for line in self.said if line[0] == other]
                assert list(dict.fromkeys(g for g in heard if g[0] == other)) == wanted


TestTeam = pytest.mark.timeout(3_600)(Team.TestCase)
TestTeam.settings = settings(
    max_examples=int(os.environ.get("MODEL_EXAMPLES", "20")),
    stateful_step_count=int(os.environ.get("MODEL_STEPS", "20")),
    derandomize="MODEL_EXAMPLES" not in os.environ,  # the long form draws anew each time
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("seed", [0, 1])
def test_who_was_added_and_removed_while_away_gets_what_was_said_meanwhile(seed: int) -> None:
    team = Team()
    team.begin(seed=seed)
    team.add_or_remove()
    team.send(count=3, name="anna")
    team.add_or_remove()
    team.crash_relay(seconds=0.0)
    team.add_or_remove()
    team.add_or_remove()
    team.teardown()
