"""Mistakes that somebody could make in the product, to be planted: a simulation that does not find them proves nothing.

Each replaces one attribute of the product for the time of a run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from unittest.mock import patch

from msgspec import structs

from peerpost_daemon.engine import Engine
from peerpost_daemon.inbound.arrivals import News
from peerpost_daemon.outbound import answers
from peerpost_daemon.outbound.answers import Answers
from peerpost_daemon.outbound.pump import Pump
from peerpost_daemon.outbound.receipts import Receipts
from peerpost_daemon.records import channels, consumers, outbox
from peerpost_protocol.frames import Cursor, Item
from peerpost_relay import publishing
from peerpost_relay.errors import StoreError
from peerpost_relay.fan_out import FanOut
from peerpost_relay.followers import Feed, Follow
from peerpost_relay.sqlite_store import SqliteStore, database, stream
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from tests.faults.simulation.loop import FIRST_SECOND
from tests.faults.simulation.threads import DeadError

_HARDLY_BYTES = 1_000
_A_MOMENT = 0.3  # seconds
_BEGINNING = 120.0  # seconds
Plant = tuple[Any, str, Any]  # whose attribute, its name, what takes its place


def _repetitions_are_stored() -> Plant:
    """Drop all three lines of defence: the message id, the chain, and the table's key."""
    right = publishing.publish

    def wrong(*values: Any, **more: Any) -> Any:
        with (
            patch.object(SqliteTransaction, "message", lambda *_: None),
            patch.object(publishing, "require_next", lambda *_: None),
            patch.object(
                stream, "_MESSAGE", stream._MESSAGE.replace("INSERT", "INSERT OR REPLACE")
            ),
        ):
            return right(*values, **more)

    return publishing, "publish", wrong


def _cursor_too_far() -> Plant:
    right = channels.cursors

    def wrong(db: Any) -> tuple[Cursor, ...]:  # the last item is asked for once more
        return tuple(structs.replace(c, after=c.after + 2) for c in right(db))

    return channels, "cursors", wrong


def _every_third_receipt_is_dropped() -> Plant:
    right, count = Receipts._post, [0]

    async def wrong(self: Receipts, receipt: Any) -> None:
        count[0] += 1
        if count[0] % 3:
            await right(self, receipt)

    return Receipts, "_post", wrong


def _lost_answer_counts_as_sent() -> Plant:
    def wrong(self: Answers, row: Any, done: Any) -> None:
        self._answered.append(answers._Answer(row, 1, None))
        self._arrived.set()

    return Answers, "_came", wrong


def _slow_reader_misses() -> Plant:
    right = FanOut._send_items

    def wrong(self: FanOut, feed: Feed, items: list[Item]) -> list[Follow]:
        waiting = {follow for follow, sink in feed.live.items() if sink.buffered > _HARDLY_BYTES}
        kept, feed.live = feed.live, {f: s for f, s in feed.live.items() if f not in waiting}
        late = right(self, feed, items)
        feed.live = {follow: sink for follow, sink in kept.items() if follow not in late}
        return late

    return FanOut, "_send_items", wrong


def _sealed_and_sent_before_it_is_stored() -> Plant:
    right = Pump._fill

    async def wrong(self: Pump, room: int) -> Any:
        write = self._database.write

        async def early(function: Any, **_: Any) -> Any:
            kept: list[Any] = []

            def work(db: Any) -> None:
                db.execute("SAVEPOINT early")
                kept.append(function(db))
                db.execute("ROLLBACK TO early")

            await write(work)
            return kept[0]

        self._database.write = early  # type: ignore[method-assign]
        try:
            return await right(self, room)
        finally:
            self._database.write = write  # type: ignore[method-assign]

    return Pump, "_fill", wrong


def _acknowledged_too_far() -> Plant:
    right = consumers.acknowledge

    def wrong(db: Any, name: str, cursor: int, now_ms: int) -> int:
        return right(db, name, cursor + 1, now_ms)

    return consumers, "acknowledge", wrong


def _keys_are_forgotten() -> Plant:
    right = outbox.add

    def wrong(db: Any, message: Any, cursor: int, to: Any, _key: Any, **more: Any) -> None:
        right(db, message, cursor, to, None, **more)

    return outbox, "add", wrong


def _new_rosters_wake_nobody() -> Plant:
    right = Engine._stored

    def wrong(self: Engine, news: News) -> None:
        right(self, News(others=news.others))

    return Engine, "_stored", wrong


class _Uncommitted:
    """Be a connection that leaves its transaction open."""

    def __init__(self, db: Any) -> None:
        self._db = db

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, statement: str, *values: Any) -> Any:
        return self._db.execute("SELECT 1" if statement == "COMMIT" else statement, *values)


def _finish(db: Any) -> None:
    if db.in_transaction:
        db.execute("COMMIT")


def _answered_before_the_commit() -> Plant:
    """Answer from a transaction that is committed a moment later, once everybody is there."""
    right = SqliteStore.write

    async def wrong(self: SqliteStore, operations: Any) -> Any:
        if asyncio.get_running_loop().time() < FIRST_SECOND + _BEGINNING:
            return await right(self, operations)

        def work(db: Any) -> Any:
            _finish(db)
            return database._commit(_Uncommitted(db), operations, self._replays)  # type: ignore[arg-type]

        results = await self._writer.run(work)
        asyncio.get_running_loop().call_later(
            _A_MOMENT, lambda: asyncio.ensure_future(_quietly(self._writer.run(_finish)))
        )
        return results

    return SqliteStore, "write", wrong


async def _quietly(work: Awaitable[None]) -> None:
    with suppress(StoreError, DeadError):
        await work


def _live_one_item_too_early() -> Plant:
    right = FanOut._is_level

    def wrong(self: FanOut, follow: Follow) -> bool:
        feed = follow.feed
        early = follow.after > 1 and follow.after + 1 == feed.last
        return right(self, follow) or (early and follow.receipts_after == feed.receipts)

    return FanOut, "_is_level", wrong


MISTAKES: dict[str, Callable[[], Plant]] = {
    "the relay stores a repeated envelope again": _repetitions_are_stored,
    "the relay lets a slow reader miss something": _slow_reader_misses,
    "the daemon asks from a cursor that is too far": _cursor_too_far,
    "the daemon drops a receipt now and then": _every_third_receipt_is_dropped,
    "the daemon takes a lost answer for a yes": _lost_answer_counts_as_sent,
    "the daemon sends before it stores": _sealed_and_sent_before_it_is_stored,
    "idempotency keys are forgotten": _keys_are_forgotten,
    "a new roster wakes nobody": _new_rosters_wake_nobody,
    "the relay answers before it commits": _answered_before_the_commit,
    "a reader goes live one item too early": _live_one_item_too_early,
    "a consumer acknowledges what it was not given": _acknowledged_too_far,
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Make a mistake for a while."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(*MISTAKES[name]()))
        yield
