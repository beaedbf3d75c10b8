"""Whatever happens in whatever order: each accepted message is at each member once, in its sender's order.

Real engines on real vaults speak to a real relay; hypothesis draws what goes wrong in between.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peerpost_daemon.records import channels
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.envelope import Envelope
from peerpost_protocol.frames import Accepted, RelayFrame
from peerpost_protocol.refusals import Refusal
from peerpost_relay import publishing
from peerpost_relay.errors import RefusalError
from tests.support.accounts import RunningAccount, account
from tests.support.malicious_relay import MaliciousRelay, malicious_relay

ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"
SENDERS = (ALICE, BOB)
WAITING = "SELECT count(*) FROM outbox WHERE state IN ('queued', 'sealed')"

who = st.sampled_from(SENDERS)
steps = st.one_of(
    st.tuples(st.just("send"), who, st.integers(1, 5)),
    st.tuples(st.just("drop"), who, st.integers(1, 4)),
    st.tuples(st.just("busy"), who, st.integers(1, 3)),
    st.tuples(st.just("cut"), who, st.just(0)),
    st.tuples(st.just("restart"), who, st.just(0)),
    st.tuples(st.just("roster"), st.just(ALICE), st.just(0)),
    st.tuples(st.just("wait"), who, st.just(0)),
)
Step = tuple[str, str, int]


class World:
    """Be a relay, three accounts and a channel, and do to them what is drawn."""

    def __init__(self, relay: MaliciousRelay, folder: Path) -> None:
        self.relay = relay
        self.folder = folder
        self.people: dict[str, RunningAccount] = {}
        self.stacks: dict[str, AsyncExitStack] = {}
        self.said: dict[str, list[str]] = {name: [] for name in SENDERS}
        self.channel = b""
        self.carol_is_in = False
        self.silence: dict[bytes, int] = {}
        self.busy: dict[bytes, int] = {}
        relay.say = self._say

    async def start(self, name: str) -> None:
        self.stacks[name] = stack = AsyncExitStack()
        running = account(self.folder / name, name, self.relay.url)
        self.people[name] = await stack.enter_async_context(running)

    async def stop(self, name: str) -> None:
        await self.stacks.pop(name).aclose()

    def _say(self, ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
        if ear is not None and isinstance(said, Accepted) and self.silence.get(ear):
            self.silence[ear] -= 1
            if not self.silence[ear]:  # an answer that stays out ends with the session
                asyncio.get_running_loop().call_soon(self._cut, ear)
            return []
        return [said]

    def refuse(self, card: bytes) -> None:
        if self.busy.get(card):
            self.busy[card] -= 1
            raise RefusalError(Refusal.STORAGE_FULL, "full", retry_after_ms=10)

    def _cut(self, card: bytes) -> None:
        for person in self.people.values():
            if person.card.id == card:
                person.engine._link.reconnect()

    async def do(self, step: Step) -> None:
        what, name, count = step
        person = self.people[name]
        match what:
            case "send":
                for _ in range(count):
                    text = f"{name} {len(self.said[name])}"
                    self.said[name].append(text)
                    await person.send(self.channel, text)
            case "drop":
                self.silence[person.card.id] = count
            case "busy":
                self.busy[person.card.id] = count
            case "cut":
                person.engine._link.reconnect()
            case "restart":
                await self.stop(name)
                await self.start(name)
            case "roster":
                await self._toggle()
            case _:
                await person.online()

    async def _toggle(self) -> None:
        alice = self.people[ALICE]
        self.silence.clear()  # a change whose answer is lost is the caller's to repeat
        await alice.online()
        change = alice.engine.channels.remove if self.carol_is_in else alice.engine.channels.add
        try:
            await change(self.channel, [CAROL])
        except Exception:  # noqa: BLE001  the link may have broken: the roster tells
            await self.settle()
        roster = await alice.follows(self.channel)
        self.carol_is_in = CAROL in roster.members

    async def settle(self) -> None:
        """Let the network heal, and wait until nothing waits."""
        self.silence.clear()
        self.busy.clear()
        for name in SENDERS:
            await self.people[name].until(lambda db: not db.execute(WAITING).fetchone()[0])

    async def arrived(self, name: str, sender: str) -> list[str]:
        texts = await self.people[name].texts(self.channel)
        return [text for text in texts if text.startswith(f"{sender} ")]


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with malicious_relay(folder / "relay") as relay:
        there = World(relay, folder)
        try:
            for name in (ALICE, BOB, CAROL):
                await there.start(name)
                await there.people[name].online()
            there.channel = await there.people[ALICE].channel("ops", BOB)
            await there.people[BOB].follows(there.channel)
            yield there
        finally:
            for name in list(there.stacks):
                await there.stop(name)


async def _live(script: Sequence[Step], patch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with world(Path(folder)) as there:
            honest = publishing.require_next

            def require_next(last: object, envelope: Envelope) -> None:
                there.refuse(envelope.header.sender)
                honest(last, envelope)  # type: ignore[arg-type]

            patch.setattr(publishing, "require_next", require_next)
            for step in script:
                await there.do(step)
            await there.settle()
            await _everything_is_there(there)


async def _everything_is_there(there: World) -> None:
    for sender, reader in ((ALICE, BOB), (BOB, ALICE)):
        wanted = there.said[sender]
        if wanted:
            await there.people[reader].until(partial(_has, there.channel, wanted[-1]))
        assert await there.arrived(reader, sender) == wanted
        assert await there.people[reader].reasons() == []
        positions = [wanted.index(text) for text in await there.arrived(CAROL, sender)]
        assert positions == sorted(set(positions))


def _has(channel: bytes, text: str, db: SqlConnection) -> bool:
    assert channels.find(db, channel) is not None
    row = db.execute("SELECT 1 FROM message WHERE NOT mine AND body = ?", (text.encode(),))
    return row.fetchone() is not None


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=st.lists(steps, min_size=4, max_size=14))
@pytest.mark.timeout(300)
def test_each_message_is_at_each_member_once_and_in_order(
    script: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        asyncio.run(_live(script, patch))


async def test_everything_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ("send", "drop", "roster", "send", "busy", "send", "cut", "send", "restart", "send")
    await _live([(kind, name, 3) for kind in kinds for name in SENDERS], monkeypatch)
