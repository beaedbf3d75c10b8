"""Search over a vault, and what the index of words costs: on the engine and with the tables of the daemon.

The vault is filled through the records, without a network: what is measured is SQLite, SQLCipher and the index. A
message has 5 to 40 words out of 20,000, which occur as often as words do in a language (by Zipf's law), in 20 channels
and of 50 senders. Each query is asked once, on a vault that was opened afresh; the first one opens the caches and is
left out.
"""

import os
import random
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from functools import partial
from pathlib import Path

from peerpost_daemon.records import indexing, messages, schema
from peerpost_daemon.records.messages import Message
from peerpost_daemon.records.search import Wanted, search
from peerpost_daemon.records.search_query import terms
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from scripts.benchmarks.case import Case, Plan
from scripts.benchmarks.figure import Sample, spread

WORDS = 20_000
CHANNELS = [bytes([n]) * 32 for n in range(20)]
SENDERS = [f"sender{n}@example.org" for n in range(50)]
BATCH = 64  # messages of one transaction, as they come from the relay
QUERIES = 200
NOW_MS = 1_750_000_000_000
MILLISECONDS = 1e3


async def measure(plan: Plan) -> AsyncGenerator[Sample, None]:
    """Yield p50 and p99 of searches, messages stored a second, and how long their index takes."""
    for number, folder in enumerate(plan.run_folders()):
        folder.mkdir(parents=True)
        draw = random.Random(number)  # noqa: S311  no secret
        key = os.urandom(32)
        for sample in await _filled(folder / "vault.db", key, draw, plan.messages):
            yield sample
        for sample in await _searched(folder / "vault.db", key, draw):
            yield sample


async def _filled(path: Path, key: bytes, draw: random.Random, count: int) -> list[Sample]:
    database = await Database.open(path, key, schema.MIGRATIONS)
    try:
        said = list(_messages(draw, count))
        begun = time.perf_counter()
        for first in range(0, count, BATCH):
            await database.write(partial(_store, batch=said[first : first + BATCH]))
        stored = time.perf_counter()
        while await database.write(indexing.batch):
            pass
        indexed = time.perf_counter()
        await database.checkpoint()
    finally:
        await database.close()
    return [
        Sample("peerpostd", "messages stored", "1/s", count / (stored - begun)),
        Sample("peerpostd", "index behind them, a message", "us", (indexed - stored) / count * 1e6),
        Sample("peerpostd", "vault", "MiB", _mebibytes(path)),
    ]


async def _searched(path: Path, key: bytes, draw: random.Random) -> list[Sample]:
    database = await Database.open(path, key, schema.MIGRATIONS)
    try:
        times, narrowed = list[float](), list[float]()
        for wanted in _queries(draw):
            begun = time.perf_counter()
            await database.read(lambda db, w=wanted: search(db, w, 20, NOW_MS))  # type: ignore[misc]
            taken = (time.perf_counter() - begun) * MILLISECONDS
            (times if wanted.channels is None and wanted.sender is None else narrowed).append(taken)
    finally:
        await database.close()
    return [
        *spread("peerpostd", "search", "ms", times[1:]),
        *spread("peerpostd", "search in a channel or of a sender", "ms", narrowed),
    ]


def _mebibytes(path: Path) -> float:
    return path.stat().st_size / 2**20


def _store(db: SqlConnection, batch: list[Message]) -> None:
    for message in batch:
        messages.add(db, message)


def _messages(draw: random.Random, count: int) -> Iterator[Message]:
    word = _words(draw)
    for number in range(count):
        text = " ".join(word() for _ in range(draw.randint(5, 40)))
        sender = draw.choice(SENDERS)
        yield Message(
            id=number.to_bytes(16, "big"),
            channel=draw.choice(CHANNELS),
            card=sender.ljust(32).encode(),
            identity=sender,
            mine=False,
            sequence=number,
            position=number,
            media_type=None,
            body=text.encode(),
            reply_to=None,
            sent_at_ms=NOW_MS - (count - number) * 1000,
            received_at_ms=NOW_MS,
            expires_at_ms=None,
        )


def _words(draw: random.Random) -> Callable[[], str]:
    """Return a source of words: the one of rank n comes as often as 1/n."""
    return lambda: _spelled(int(WORDS ** draw.random()))


def _spelled(rank: int) -> str:
    """Return the word of a rank; words of near ranks do not begin alike."""
    number, letters = rank * 7919 % 456_976, ""
    for _ in range(4):
        number, letter = divmod(number, 26)
        letters += chr(97 + letter)
    return letters


def _queries(draw: random.Random) -> Iterator[Wanted]:
    """Yield words, pairs, phrases, beginnings and exclusions, anywhere and narrowed, often and rarely said."""
    word = _words(draw)
    shapes = ("{0}", "{0} {1}", '"{0} {1}"', "{0:.3}*", "{0:.2}* {1}", "{0} -{1}")
    for number in range(QUERIES):
        asked = terms(shapes[number % len(shapes)].format(word(), word()))
        yield Wanted(asked)
        yield Wanted(asked, channels=frozenset({draw.choice(CHANNELS)}))
        yield Wanted(asked, sender=draw.choice(SENDERS))


CASE = Case("search", "search over so many messages, and what the index costs", measure, 3, 100_000)
