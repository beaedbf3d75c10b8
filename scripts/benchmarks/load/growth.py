"""What one message costs the relay, by how much there is: readers, channels, stored envelopes.

Cost is the processor time of the whole relay for one message, publish, commit, answer and fan-out
included: it does not depend on what else the machine does as much as a time by the clock.
"""

import asyncio
import os
from collections.abc import Iterator
from copy import copy
from itertools import cycle, islice
from pathlib import Path

from peerpost_daemon.ids import new_message_id
from peerpost_protocol import frames as f
from peerpost_protocol.chain import Link
from peerpost_protocol.frames import Item, ItemKind, decode_relay_frame, encode_frame
from peerpost_relay.sqlite_store import SqliteStore
from peerpost_relay.store import Operation, Transaction
from scripts.benchmarks.figure import Sample
from scripts.benchmarks.load.bench import Bench
from scripts.benchmarks.load.fans import fan
from scripts.benchmarks.load.measures import ACCEPTED, MICROSECONDS, answered
from scripts.benchmarks.load.peerpost import RelayUnderLoad, expect, publishing
from scripts.benchmarks.load.team import Mate, Team, now_ms
from scripts.benchmarks.load.wire import Line, masked
from scripts.benchmarks.process_figures import processor_seconds

WINDOW = 16
CHANNELS_A_PAIR = 4_000  # a card is in no more than 4,096
PUBLISHERS_MAX = 16
SAMPLED = 1_000  # channels that are published to, of however many there are
EVENTS_AT_ONCE = 4_000  # so few that no connection is silent for long meanwhile
FILLED_BYTES = 100  # a stored envelope's body: what counts is how many there are
FILLED_AT_ONCE = 5_000
UNIT = "us a message"


def by_readers(bench: Bench, sizes: tuple[int, ...]) -> Iterator[Sample]:
    """Yield a message's cost by the number of its readers."""
    for readers in sizes:
        with fan("peerpost", bench, readers) as under:
            count = max(1, min(bench.messages, 200_000 // readers))
            load = under.load(bench.place(), count, window=WINDOW, seconds=60)
            before = processor_seconds(under.pid)
            counted = bench.run(load)
            yield _cost("readers", readers, under.pid, before, counted.messages)


def by_channels(bench: Bench, sizes: tuple[int, ...]) -> Iterator[Sample]:
    """Yield a message's cost by the number of channels, all of which somebody follows live."""
    relay = RelayUnderLoad(bench.place(), bench.server_core)
    try:
        pairs = relay.cards(2 * -(-sizes[-1] // CHANNELS_A_PAIR))
        world = _World(bench, relay, list(zip(pairs[::2], pairs[1::2], strict=True)))
        for size in sizes:
            world.grow(size)
            yield world.cost(size)
    finally:
        relay.stop()


class _World:
    """Be a relay with more and more channels, each of the two cards of a pair."""

    def __init__(self, bench: Bench, relay: RelayUnderLoad, pairs: list[tuple[Mate, Mate]]) -> None:
        self._bench = bench
        self._relay = relay
        self._pairs = pairs
        self._channels = 0
        self._teams: list[tuple[int, Team]] = []  # that are published to, with their pair

    def grow(self, channels: int) -> None:
        """Begin channels until there are so many."""
        wanted, step = range(self._channels, channels), max(1, channels // SAMPLED)
        self._channels = channels
        self._teams = []
        for first in wanted[::EVENTS_AT_ONCE]:
            self._begin(wanted[first - wanted[0] :][:EVENTS_AT_ONCE], step)

    def cost(self, channels: int) -> Sample:
        """Publish to some of them while everybody follows everything."""
        used = (channels - 1) // CHANNELS_A_PAIR + 1
        lines = [self._relay.session(owner) for owner, _ in self._pairs[:used]]
        followers = [self._relay.session(owner) for owner, _ in self._pairs[:used]]
        for line in followers:
            line.send(encode_frame(f.Subscribe(1, (), everything=True)))
            _skip(line, len(expect(line, f.Subscribed).states))
        pid = self._relay.pid
        frames = sorted(self._frames(), key=lambda frame: frame[0])
        before = processor_seconds(pid)
        counted = answered(self._bench, lines, frames, WINDOW, ACCEPTED, followers=followers)
        sample = _cost("channels", channels, pid, before, counted.messages)
        for line in (*lines, *followers):
            line.close()
        return sample

    def _begin(self, numbers: range, step: int) -> None:
        events: dict[int, list[bytes]] = {}
        for number in numbers:
            pair = number // CHANNELS_A_PAIR
            team = Team([copy(mate) for mate in self._pairs[pair]])
            event = f.SubmitRosterEvent(number % 2**32, team.event.signed)
            events.setdefault(pair, []).append(masked(encode_frame(event)))
            if number % step == 0 and pair < PUBLISHERS_MAX:
                self._teams.append((pair, team))
        lines = [self._relay.session(self._pairs[pair][0]) for pair in events]
        frames = [(n, each) for n, of_pair in enumerate(events.values()) for each in of_pair]
        answered(self._bench, lines, frames, 256, ACCEPTED)
        for line in lines:
            line.close()

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        numbered = islice(cycle(self._teams), self._bench.messages)
        for number, (pair, team) in enumerate(numbered):
            yield from ((pair, each) for each in publishing(team.envelopes(number, 1)))


def _skip(line: Line, items: int) -> None:
    """Read what channels began with, so that nobody is catching up any more."""
    while items > 0:
        frame = decode_relay_frame(line.next())
        items -= len(frame.items) if isinstance(frame, f.Deliver) else 0


def by_stored(bench: Bench, sizes: tuple[int, ...]) -> Iterator[Sample]:
    """Yield a message's cost by the envelopes that its channel has stored."""
    folder = bench.place()
    relay = RelayUnderLoad(folder, bench.server_core)
    team = relay.team(2)
    stored = 0
    for size in sizes:
        relay.stop()
        asyncio.run(_fill(folder, team, size - stored))
        relay = RelayUnderLoad(folder, bench.server_core)
        try:
            line = relay.session(team.mates[0])
            frames = [(0, each) for each in publishing(team.envelopes(0, bench.messages))]
            before = processor_seconds(relay.pid)
            counted = answered(bench, [line], frames, WINDOW, ACCEPTED)
            yield _cost("stored envelopes", size, relay.pid, before, counted.messages)
        finally:
            relay.stop()
        stored = size + bench.messages


async def _fill(folder: Path, team: Team, count: int) -> None:
    """Put envelopes of another member into the store, as if they had been verified."""
    store = await SqliteStore.open(RelayUnderLoad.database(folder))
    try:
        for first in range(0, count, FILLED_AT_ONCE):
            await store.write([_filling(team, min(FILLED_AT_ONCE, count - first))])
    finally:
        await store.close()


def _filling(team: Team, count: int) -> Operation[None]:
    def fill(transaction: Transaction) -> None:
        card = transaction.standing(team.mates[1].card.id)
        for _ in range(count):
            channel = transaction.channel(team.channel)
            assert card is not None
            assert channel is not None
            item = Item(channel.last + 1, ItemKind.ENVELOPE, now_ms(), bytes(FILLED_BYTES))
            transaction.append(channel, item, None)
            newest = Link(item.position, bytes(32))
            message = new_message_id(now_ms(), os.urandom)
            transaction.advance(channel.number, card.number, message, newest, item.position)

    return fill


def _cost(what: str, size: int, pid: int, before: float, messages: int) -> Sample:
    spent = (processor_seconds(pid) - before) / messages * MICROSECONDS
    return Sample("peerpost", f"{what}: {size:,}", UNIT, spent)
