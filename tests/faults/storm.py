"""Kill relay and daemons again and again while everybody talks; then judge.

A plan is a list of deaths: a victim with a named point, or without one: then it dies at a random
moment. Every victim dies its own deaths, one after the other, while the others die theirs.
"""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from peerpost_daemon.vault import keyfile
from peerpost_daemon.vault.connection import READER, connect
from tests.faults.checker import Verdict
from tests.faults.crashing import POINTS
from tests.faults.victims import Victim
from tests.faults.workload import Workload
from tests.support.processes import ProcessError
from tests.support.site import DaemonProcess, RelayProcess, Site

CHANNELS = ("first", "second")
NAMES = ("alice", "bob", "carol")
GUEST = "dave"  # who comes and goes
REACH_SECONDS = 15.0  # for a victim to come to its point; then it is killed where it is
LONGEST_LIFE_SECONDS = 1.5  # of a victim that dies at a random moment
MOST_PASSED = 3  # how often a point is passed before the process dies there
RANDOM = "at a random moment"


@dataclass(frozen=True)
class Death:
    """Be one death of the plan: whose (0: the relay, else the number of a daemon), and where."""

    victim: int
    point: str | None = None
    count: int = 1
    after_seconds: float = 0.0


@dataclass
class Outcome:
    """Be what a storm did and what was found after it."""

    kills: Counter[str] = field(default_factory=Counter)
    unreached: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    under_way: dict[str, object] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    said: int = 0
    unanswered: int = 0
    changes: int = 0  # of rosters
    longest_change: float = 0.0  # seconds
    unchanged: Counter[str] = field(default_factory=Counter)  # why they were not changed

    @property
    def violations(self) -> list[str]:
        """Return everything that breaks a promise."""
        wrong = [f"{v.member}: {v}" for v in self.verdicts if not v.is_clean]
        if self.under_way:
            wrong.append(f"never settled: {self.under_way}")
        return wrong + self.damaged + self.quarantined


class StormSite(Site):
    """Be a site whose processes can be armed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.relay.process = Victim("relay", folder / "relay.log")
        self.quick_link = False  # of the daemons to come

    def daemon(self, name: str, *, relay: str | None = None, **more: str) -> DaemonProcess:
        """Return a daemon that can be armed."""
        daemon = super().daemon(name, relay=relay, **more)
        victim = daemon.process = Victim("daemon", daemon.folder.with_suffix(".log"))
        victim.quick_link = self.quick_link
        return daemon


def every_point(names: Iterable[str] | None = None) -> list[Death]:
    """Return a death at each named point once (or at those given), senders and receivers in turn."""
    wanted = None if names is None else set(names)
    relay = [
        Death(0, name) for name in POINTS["relay"] if wanted is None or f"relay {name}" in wanted
    ]
    points = [name for name in POINTS["daemon"] if wanted is None or name in wanted]
    daemons = [Death(1 + n % len(NAMES), name) for n, name in enumerate(points)]
    return relay + daemons


def random_plan(kills: int, seed: int) -> list[Death]:
    """Return each point about as often as the others, and as many random moments again."""
    dice = random.Random(seed)
    plan: list[Death] = []
    while len(plan) < kills:
        plan += [
            Death(dice.randrange(1, 4) if d.victim else 0, d.point, dice.randint(1, MOST_PASSED))
            for d in every_point()
        ]
        lives = [dice.uniform(0.0, LONGEST_LIFE_SECONDS) for _ in range(12)]
        plan += [Death(dice.randrange(4), after_seconds=seconds) for seconds in lives]
    dice.shuffle(plan)
    return plan[:kills]


async def storm(
    folder: Path, plan: Sequence[Death], turn_seconds: float, *, churn: bool = False
) -> Outcome:
    """Carry out a plan in a new site, a message every `turn_seconds`; return what was found.

    `churn`: all the while somebody is added to every channel and removed again, so that what is
    sealed and on its way is refused for its roster and has to be sealed anew.
    """
    outcome = Outcome()
    async with StormSite(folder) as site:
        site.quick_link = True  # else those who live wait longer and longer for a relay that dies
        await site.relay.start()
        members = await site.members(*NAMES)
        workload = Workload(site, members, turn_seconds)
        await workload.begin(*CHANNELS)
        if churn:
            workload.churn(members[0], (await site.member(GUEST)).identity)
        try:
            async with asyncio.TaskGroup() as victims:
                places: list[RelayProcess | DaemonProcess] = [site.relay, *members]
                for number, place in enumerate(places):
                    deaths = [death for death in plan if death.victim == number]
                    victims.create_task(_die(place, deaths, outcome))
            workload.check()
            outcome.verdicts = await workload.settle()
            outcome.under_way = await workload.undelivered()
            outcome.changes, outcome.unchanged = workload.changes, workload.churn_errors
            outcome.longest_change = workload.longest_change
        finally:
            await workload.end()
        _sum_up(workload, outcome)
        for member in members:
            await member.stop()
        assert await site.relay.process.stop() == 0
        outcome.damaged = _damaged(site, members)
    return outcome


async def _die(
    place: RelayProcess | DaemonProcess, deaths: Sequence[Death], outcome: Outcome
) -> None:
    """Let one process die its deaths one after the other, and stand in the end."""
    victim = place.process
    assert isinstance(victim, Victim)
    if deaths:
        await victim.kill()  # to arm it
        outcome.kills[f"{victim.program} {RANDOM}"] += 1
    for death in deaths:
        where = await _die_once(place, victim, death)
        if where is None:
            outcome.unreached.append(f"{victim.program} {death.point}:{death.count}")
        outcome.kills[f"{victim.program} {where or RANDOM}"] += 1
    if not victim.is_running:
        await place.start()


async def _die_once(
    place: RelayProcess | DaemonProcess, victim: Victim, death: Death
) -> str | None:
    """Start the process and let it die; return where it did, None when it did not come there."""
    victim.at = None if death.point is None else f"{death.point}:{death.count}"
    try:
        await place.start()
        if death.point is None:
            await asyncio.sleep(death.after_seconds)
            return RANDOM
        return death.point if await victim.died(REACH_SECONDS) else None
    except ProcessError:
        if death.point is None:
            raise
        return death.point  # it came there while it started
    finally:
        victim.at = None
        await victim.kill()


def _sum_up(workload: Workload, outcome: Outcome) -> None:
    outcome.said = len(workload.said)
    outcome.unanswered = sum(talker.unanswered for talker in workload.talkers)
    outcome.quarantined = [
        f"{hearer.daemon.identity} was warned: {warning}"
        for hearer in workload.hearers
        for warning in hearer.warnings
    ]


def _damaged(site: Site, members: Iterable[DaemonProcess]) -> list[str]:
    """Return what the integrity checks of all databases say, besides `ok`."""
    found = {"relay": relay_integrity(site.relay.folder / "relay.sqlite")}
    found |= {m.identity: vault_integrity(m.data, m.passphrase.encode()) for m in members}
    return [f"{who}'s database: {what}" for who, what in found.items() if what != "ok"]


def relay_integrity(path: Path) -> str:
    """Return what SQLite finds in a relay's database."""
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


def vault_integrity(data: Path, passphrase: bytes) -> str:
    """Return what SQLCipher finds in a vault: pages that do not authenticate, damaged trees."""
    key = keyfile.unseal((data / "vault.key").read_bytes(), passphrase)
    connection = connect(data / "vault.db", key, READER)
    try:
        pages = connection.execute("PRAGMA cipher_integrity_check").fetchall()
        trees = connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()
    return str(pages) if pages else str(trees)
