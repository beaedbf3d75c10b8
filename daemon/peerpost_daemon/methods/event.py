"""event.*: subscriptions of a connection, and the durable cursors of named consumers.

Two connections may subscribe as one consumer: both get every event, and either acknowledges for both.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.params import ChannelParam, CursorParam, the_channel
from peerpost_daemon.records import event_pages, events, standing
from peerpost_daemon.rpc import Call, Method, Requires, Scope
from peerpost_daemon.subscription import Subscription, deliver
from peerpost_daemon.vault.connection import SqlConnection

MAX_CONSUMER_CHARACTERS: Final = 128
MAX_CHANNELS: Final = 256
MAX_KINDS: Final = 16

Consumer = Annotated[str, Meta(min_length=1, max_length=MAX_CONSUMER_CHARACTERS)]
Kind = Literal[
    "message",
    "message.status",
    "receipt",
    "channel",
    "contact.changed",
    "quarantine",
    "link",
    "daemon",
]


class Subscribe(Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Take what to hear and from where on."""

    consumer: Consumer | None = None
    channels: Annotated[list[ChannelParam], Meta(max_length=MAX_CHANNELS)] | None = None
    kinds: Annotated[list[Kind], Meta(max_length=MAX_KINDS)] | None = None
    from_: Literal["start", "now"] | CursorParam | None = None


class Subscribed(Struct, frozen=True):
    """Show the number of the subscription; events after `cursor` follow."""

    subscription: int
    consumer: str | None
    cursor: int


class Acknowledge(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a consumer and the cursor of the last event that it is done with."""

    consumer: Consumer
    cursor: CursorParam


class Acknowledged(Struct, frozen=True):
    """Show how far a consumer is."""

    consumer: str
    cursor: int


class Unsubscribe(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the number of a subscription of this connection."""

    subscription: int


class Unsubscribed(Struct, frozen=True):
    """Show the number of the subscription that has ended."""

    subscription: int


class _Running:
    """The subscriptions of one connection."""

    def __init__(self) -> None:
        self.last = 0
        self.reserved = 0
        self.ends: dict[int, Callable[[], None]] = {}


class EventMethods:
    """The methods of the noun."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare them."""
        receive, vault = Scope.RECEIVE, Requires.VAULT
        yield Method.of(
            "event.subscribe",
            self.subscribe,
            scope=receive,
            requires=vault,
            errors=("unknown_channel", "ambiguous_channel", "too_many_requests"),
        )
        yield Method.of(
            "event.ack",
            self.ack,
            scope=receive,
            requires=vault,
            errors=("unknown_consumer", "storage_full", "storage_failed"),
        )
        yield Method.of(
            "event.unsubscribe",
            self.unsubscribe,
            scope=receive,
            requires=Requires.NOTHING,
            errors=("unknown_subscription",),
        )

    async def subscribe(self, params: Subscribe, call: Call) -> Subscribed:
        """Send events as notifications, after this answer, until the connection ends."""
        running = _running(call)
        if len(running.ends) + running.reserved >= self._daemon.settings.max_subscriptions:
            raise DaemonError("too_many_requests", "This connection has enough subscriptions.")
        running.reserved += 1
        try:
            wanted, cursor = await self._begin(params)
        finally:
            running.reserved -= 1
        running.last += 1
        self._deliver(call, running, Subscription(running.last, wanted, cursor))
        return Subscribed(running.last, params.consumer, cursor)

    async def ack(self, params: Acknowledge, call: Call) -> Acknowledged:  # noqa: ARG002 - a handler's shape
        """Note that a consumer is done with everything up to a cursor; a lower one changes nothing."""
        name = params.consumer
        cursor = await self._daemon.write(lambda db: events.acknowledge(db, name, params.cursor))
        if cursor is None:
            raise DaemonError("unknown_consumer", "No consumer has that name.", field="consumer")
        return Acknowledged(name, cursor)

    async def unsubscribe(self, params: Unsubscribe, call: Call) -> Unsubscribed:
        """End a subscription of this connection."""
        end = _running(call).ends.pop(params.subscription, None)
        if end is None:
            message = "This connection has no subscription of that number."
            raise DaemonError("unknown_subscription", message, field="subscription")
        end()
        return Unsubscribed(params.subscription)

    async def _begin(self, params: Subscribe) -> tuple[event_pages.Filter, int]:
        """Return what is wanted and the cursor to begin after; a new consumer is stored."""
        if params.consumer is None:
            return await self._daemon.read(
                lambda db: (_filter(db, params), _start(db, _or(params.from_, "now")))
            )
        name, now_ms, bound = params.consumer, self._daemon.clock(), self._daemon.settings
        return await self._daemon.write(
            lambda db: (_filter(db, params), _resume(db, name, params, now_ms, bound.max_consumers))
        )

    def _deliver(self, call: Call, running: _Running, subscription: Subscription) -> None:
        """Begin to notify, last of all: the answer goes out first."""
        task = asyncio.get_running_loop().create_task(
            deliver(self._daemon, call, subscription), name="subscription"
        )
        self._daemon.spawn(task)
        forget = call.on_close(lambda: _cancel(task))

        def end() -> None:
            forget()
            task.cancel()

        running.ends[subscription.number] = end


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


def _running(call: Call) -> _Running:
    running = call.state.setdefault("subscriptions", _Running())
    assert isinstance(running, _Running)
    return running


def _filter(db: SqlConnection, params: Subscribe) -> event_pages.Filter:
    channels = params.channels
    return event_pages.Filter(
        None
        if channels is None
        else frozenset(the_channel(db, each, "channels").id for each in channels),
        None if params.kinds is None else frozenset(params.kinds),
    )


def _or(where: int | str | None, default: str) -> int | str:
    return default if where is None else where  # 0 is a place


def _start(db: SqlConnection, where: int | str) -> int:
    if isinstance(where, int):
        return where
    return 0 if where == "start" else events.newest(db)


def _resume(db: SqlConnection, name: str, params: Subscribe, now_ms: int, bound: int) -> int:
    """Return what the consumer has acknowledged; a new one begins where it says, or at the start."""
    known = events.consumer(db, name)
    if known is not None:
        return known
    if standing.consumer_count(db) >= bound:
        raise DaemonError("too_many_requests", f"There are {bound} consumers already.")
    cursor = _start(db, _or(params.from_, "start"))
    events.add_consumer(db, name, cursor, now_ms)
    return cursor
