"""Hold a measured load against the promise: nothing lost, doubled, invented or out of order.

The checker is the one of the fault tests. What it is given: every live reader's deliveries, as the
generator logged them, and what somebody who comes back afterwards reads from the store.
"""

from collections.abc import Iterator
from pathlib import Path
from struct import Struct

from peerpost_protocol.frames import Deliver, decode_relay_frame
from scripts.benchmarks.load.generator import MARK, GeneratorError
from scripts.benchmarks.load.wire import Line
from tests.faults.checker import Given, Said, judge

SENDER, CHANNEL = "publisher", "channel"
DIGITS = 10

_rows = Struct("=II").iter_unpack


def violations(log: Path, readers: int, stored: list[int]) -> int:
    """Return how many deliveries were checked; raise GeneratorError for the first broken promise.

    `stored`: the numbers of the messages in the store, in their order. Each was acknowledged.
    """
    said = [Said(SENDER, CHANNEL, number, str(number), str(number)) for number in stored]
    given: dict[int, list[Given]] = {reader: [] for reader in range(readers)}
    for reader, number in _rows(log.read_bytes()):
        given[reader].append(_given(len(given[reader]), number))
    given[readers] = [_given(place, number) for place, number in enumerate(stored)]
    for reader, entries in given.items():
        verdict = judge(f"reader {reader}", said, entries)
        if not verdict.is_clean:
            raise GeneratorError(f"the checker of deliveries says: {verdict}")
    return sum(map(len, given.values()))


def read_back(line: Line, count: int) -> Iterator[int]:
    """Yield the numbers of the first `count` envelopes that a connection is delivered."""
    while count:
        frame = decode_relay_frame(line.next())
        if isinstance(frame, Deliver):
            for item in frame.items:
                yield _number(item.body)
            count -= len(frame.items)


def _given(cursor: int, number: int) -> Given:
    return Given(cursor, str(number), SENDER, CHANNEL, str(number))


def _number(body: bytes) -> int:
    begin = body.index(MARK.encode()) + len(MARK)
    return int(body[begin : begin + DIGITS])
