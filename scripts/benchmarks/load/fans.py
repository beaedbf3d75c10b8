"""Each system with its readers: what fan-out is measured on."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from peerpost_protocol import frames as f
from peerpost_protocol.frames import encode_frame
from scripts.benchmarks.load import mosquitto, nats, nostr
from scripts.benchmarks.load.bench import Bench
from scripts.benchmarks.load.checked import read_back
from scripts.benchmarks.load.generator import MARK, Load, write_frames
from scripts.benchmarks.load.peerpost import CARDS_MAX, RelayUnderLoad, publishing
from scripts.benchmarks.load.team import ENVELOPE_BYTES
from scripts.benchmarks.load.wire import Line, masked

SKIP_BYTES = ENVELOPE_BYTES // 2  # behind a mark, the least until the message's end
RECEIPTS_A_SECOND = 10  # of all readers together; each goes to every reader
READERS_ABREAST = 32  # that are connecting to a peer
RECEIPTS_MAX = 1_000  # made beforehand for one run


class Peer(Protocol):
    """Be a system without keys: anybody connects and hears."""

    @property
    def pid(self) -> int:
        """Return the process's number."""

    def session(self) -> Line:
        """Return a connection."""

    def reader(self) -> Line:
        """Return a connection that hears what is published."""

    def stop(self) -> None:
        """End it."""


@dataclass
class Fan:
    """Be a publisher and its readers; `prepare` makes the frames of the next messages."""

    system: str
    pid: int
    publisher: Line
    readers: list[Line]
    prepare: Callable[[Path, int], Path]
    options: dict[str, object] = field(default_factory=dict)
    stored: Callable[[int], list[int]] | None = None  # reads so many messages back from its store

    def load(self, place: Path, count: int, **options: object) -> Load:
        """Return a load of so many messages."""
        frames = self.prepare(place, count)
        told = {"mark": MARK, "skip": SKIP_BYTES, **self.options, **options}
        sockets = [line.socket for line in self.readers]
        return Load(frames, [self.publisher.socket], sockets, options=told)


@contextmanager
def relay_fan(bench: Bench, readers: int) -> Iterator[Fan]:
    """Run the relay with so many readers of one channel, who post receipts."""
    relay = RelayUnderLoad(bench.place(), bench.server_core)
    try:
        team = relay.team(min(readers + 1, CARDS_MAX))
        lines = [relay.reader(team, number, 1) for number in range(readers)]
        sent = 0

        def prepare(place: Path, count: int) -> Path:
            nonlocal sent
            sent += count
            return write_frames(
                place, ((0, each) for each in publishing(team.envelopes(sent - count, count)))
            )

        def receipts() -> Iterator[tuple[int, bytes]]:
            for number in range(RECEIPTS_MAX):
                reader = number % readers
                mate = team.mates[1 + reader % (len(team.mates) - 1)]
                signed = mate.receipt(team.channel, 2 + number)
                yield 1 + reader, masked(encode_frame(f.PostReceipt(number, signed)))

        side = write_frames(bench.place(), receipts())
        options: dict[str, object] = {"side": side, "side_rate": RECEIPTS_A_SECOND}
        publisher = relay.session(team.mates[0])

        def stored(count: int) -> list[int]:
            return list(read_back(relay.reader(team, 0, 1), count))

        yield Fan("peerpost", relay.pid, publisher, lines, prepare, options, stored)
    finally:
        relay.stop()


@contextmanager
def _peer_fan(
    name: str, peer: Peer, messages: Callable[[int], Iterator[bytes]], readers: int
) -> Iterator[Fan]:
    try:
        with ThreadPoolExecutor(READERS_ABREAST) as abreast:  # one peer answers only every 50 ms
            lines = list(abreast.map(lambda _: peer.reader(), range(readers)))

        def prepare(place: Path, count: int) -> Path:
            return write_frames(place, ((0, each) for each in messages(count)))

        options: dict[str, object] = {"unordered": int(name == "nostr-relay")}
        yield Fan(name, peer.pid, peer.session(), lines, prepare, options)
    finally:
        peer.stop()


def fan(system: str, bench: Bench, readers: int) -> AbstractContextManager[Fan]:
    """Run a system with so many readers."""
    if system == "nats":
        peer = nats.NatsUnderLoad(bench.place(), bench.server_core)
        return _peer_fan(system, peer, nats.messages, readers)
    if system == "mosquitto":
        other = mosquitto.MosquittoUnderLoad(bench.place(), bench.server_core)
        return _peer_fan(system, other, mosquitto.messages, readers)
    if system == "nostr-relay":
        third = nostr.NostrUnderLoad(bench.place(), bench.server_core)
        return _peer_fan(system, third, nostr.messages, readers)
    return relay_fan(bench, readers)
