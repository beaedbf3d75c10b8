"""event.subscribe and event.unsubscribe: the subscriptions of a connection; `answer` has what consumers say of events.

Two connections may subscribe as one consumer: without `ack_seconds` both get every event, and either acknowledges for
both; with it they compete, and each event goes to one of them.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from peerpost_daemon.consumer_readers import Reader
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.params import (
    ChannelParam,
    ConsumerParam,
    CursorParam,
    allowed,
    the_channel,
)
from peerpost_daemon.queue_delivery import QueueDelivery
from peerpost_daemon.records import consumers, events, held
from peerpost_daemon.records.consumers import Terms
from peerpost_daemon.records.event_pages import Filter
from peerpost_daemon.records.within import Within
from peerpost_daemon.rpc import Call, Method, Reach, Requires, Scope
from peerpost_daemon.subscription import Subscription, deliver
from peerpost_daemon.vault.connection import SqlConnection

MAX_CHANNELS: Final = 256
MAX_KINDS: Final = 16
MAX_WINDOW: Final = 1_000
MAX_ATTEMPTS: Final = 1_000
MAX_ACK_SECONDS: Final = 7 * 86_400
MAX_TIME_CHARACTERS: Final = 40
MAX_CONSUMERS_OF_USER: Final = 100  # of one who is not the daemon's own user, or root

Kind = Literal[
    "message",
    "message.changed",
    "message.status",
    "receipt",
    "channel",
    "contact.changed",
    "quarantine",
    "link",
    "daemon",
    "backup",
    "file",
]


class Subscribe(Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Take what to hear and from where on; a consumer keeps what is not given as it was."""

    consumer: ConsumerParam | None = None
    channels: Annotated[list[ChannelParam], Meta(max_length=MAX_CHANNELS)] | UnsetType | None = (
        UNSET
    )
    kinds: Annotated[list[Kind], Meta(max_length=MAX_KINDS)] | UnsetType | None = UNSET
    from_: Annotated[str, Meta(max_length=MAX_TIME_CHARACTERS)] | CursorParam | None = None
    window: Annotated[int, Meta(ge=1, le=MAX_WINDOW)] | None = None
    ack_seconds: Annotated[float, Meta(gt=0, le=MAX_ACK_SECONDS, description="seconds")] | None = (
        None
    )
    max_attempts: Annotated[int, Meta(ge=1, le=MAX_ATTEMPTS)] | None = None


class Subscribed(Struct, frozen=True):
    """Show the number of the subscription; events after `cursor` follow.

    `lost`: events that were pruned since the consumer subscribed last and before it was done with them.
    """

    subscription: int
    consumer: str | None
    cursor: int
    lost: int


class Unsubscribe(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the number of a subscription of this connection, and what of a queue the reader has looked at.

    `taken`: cursors; whatever else it was given and has not answered for goes back, and that was no attempt. Without it
    everything that was sent counts as looked at.
    """

    subscription: int
    taken: Annotated[list[CursorParam], Meta(max_length=MAX_WINDOW)] | None = None


class Unsubscribed(Struct, frozen=True):
    """Show the number of the subscription that has ended."""

    subscription: int


class _Running:
    """The subscriptions of one connection."""

    def __init__(self) -> None:
        self.reserved = 0
        self.ends: dict[int, Callable[[list[int] | None], None]] = {}


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
            reach=Reach.CHANNELS,
            requires=vault,
            errors=(
                "unknown_channel",
                "ambiguous_channel",
                "too_many_requests",
                "storage_full",
                "storage_failed",
            ),
        )
        yield Method.of(
            "event.unsubscribe",
            self.unsubscribe,
            scope=receive,
            reach=Reach.CHANNELS,
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
            begun = await self._begin(params, call)
        finally:
            running.reserved -= 1
        number = next(call.ids)
        self._deliver(call, number, running, begun)
        return Subscribed(number, params.consumer, begun.cursor, begun.lost)

    async def unsubscribe(self, params: Unsubscribe, call: Call) -> Unsubscribed:
        """End a subscription of this connection."""
        end = _running(call).ends.pop(params.subscription, None)
        if end is None:
            message = "This connection has no subscription of that number."
            raise DaemonError("unknown_subscription", message, field="subscription")
        end(params.taken)
        return Unsubscribed(params.subscription)

    async def _begin(self, params: Subscribe, call: Call) -> "_Begun":
        """Return what is wanted and the cursor to begin after; a new consumer is stored."""
        within = allowed(call, Scope.RECEIVE)
        if params.consumer is None:
            return await self._daemon.read(lambda db: _unnamed(db, params, within))
        name = call.rights.kept(params.consumer)
        own = _Owned(name, call.rights.names, within, self._daemon.settings.max_consumers)
        now_ms, readers = self._daemon.clock(), self._daemon.readers
        alone = readers.count(name) == 0
        reader = readers.open(name)
        try:
            begun = await self._daemon.write(
                lambda db: _named(db, params, own, now_ms, alone=alone)
            )
        except BaseException:
            readers.close(reader)
            raise
        reader.window = begun.terms.window
        readers.wake(name)
        return structs.replace(begun, reader=reader)

    def _deliver(self, call: Call, number: int, running: _Running, begun: "_Begun") -> None:
        """Begin to notify, last of all: the answer goes out first."""
        reader = begun.reader
        task = asyncio.get_running_loop().create_task(
            self._delivery(call, number, begun), name="subscription"
        )
        if reader is not None:  # also when the task is cancelled before it has begun
            task.add_done_callback(lambda _: self._daemon.readers.close(reader))
        self._daemon.spawn(task)
        forget = call.on_close(lambda: _cancel(task))

        def end(taken: list[int] | None) -> None:
            if reader is not None and taken is not None:
                reader.return_all_but(taken)
            forget()
            task.cancel()

        running.ends[number] = end

    def _delivery(self, call: Call, number: int, begun: "_Begun") -> Coroutine[None, None, None]:
        if begun.reader is not None and begun.terms.is_queue:
            return QueueDelivery(self._daemon, call, number, begun.reader, begun.within).run()
        subscription = Subscription(number, begun.terms.wanted, begun.cursor, begun.within)
        return deliver(self._daemon, call, subscription, begun.reader)


class _Begun(Struct, frozen=True):
    """Be how a subscription begins."""

    terms: Terms
    cursor: int
    within: Within
    lost: int = 0
    reader: Reader | None = None


class _Owned(Struct, frozen=True):
    """Be a consumer's name in the vault, what the names of its user begin with, and the bounds."""

    name: str
    names: str
    within: Within
    max_consumers: int


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


def _running(call: Call) -> _Running:
    running = call.state.setdefault("subscriptions", _Running())
    assert isinstance(running, _Running)
    return running


def _unnamed(db: SqlConnection, params: Subscribe, within: Within) -> _Begun:
    for field in ("window", "ack_seconds", "max_attempts"):
        if getattr(params, field) is not None:
            raise _invalid(f"{field} belongs to a named consumer.", field)
    terms = Terms(_filter(db, params, Filter(), within))
    return _Begun(terms, _start(db, _or(params.from_, "now")), within)


def _named(
    db: SqlConnection, params: Subscribe, own: _Owned, now_ms: int, *, alone: bool
) -> _Begun:
    """Resume a consumer, with what it wants now; a new one begins where it says, or at the start."""
    name = own.name
    known = consumers.find(db, name)
    terms = _terms(db, params, known.terms if known else Terms(), own.within)
    if known is None:
        _check_room(db, own)
        consumers.add(db, name, _start(db, _or(params.from_, "start")), terms, now_ms)
    elif terms != known.terms:
        consumers.set_terms(db, name, terms)
    if alone:
        held.land(db, name)
    found = consumers.find(db, name)
    assert found is not None
    lost = consumers.tell_lost(db, name)
    return _Begun(terms, held.cursor_of(db, found), own.within, lost)


def _check_room(db: SqlConnection, own: _Owned) -> None:
    if consumers.count(db) >= own.max_consumers:
        message = f"There are {own.max_consumers} consumers already."
        raise DaemonError("too_many_requests", message)
    if own.names and consumers.count(db, own.names) >= MAX_CONSUMERS_OF_USER:
        message = f"This user has {MAX_CONSUMERS_OF_USER} consumers already."
        raise DaemonError("too_many_requests", message)


def _terms(db: SqlConnection, params: Subscribe, before: Terms, within: Within) -> Terms:
    ack_ms = before.ack_ms if params.ack_seconds is None else math.ceil(params.ack_seconds * 1000)
    if params.max_attempts is not None and ack_ms is None:
        raise _invalid("max_attempts needs ack_seconds.", "max_attempts")
    return Terms(
        _filter(db, params, before.wanted, within),
        params.window or before.window,
        ack_ms,
        params.max_attempts or before.max_attempts,
    )


def _filter(db: SqlConnection, params: Subscribe, before: Filter, within: Within) -> Filter:
    return Filter(_channels(db, params.channels, before, within), _kinds(params.kinds, before))


def _channels(
    db: SqlConnection, given: list[str] | UnsetType | None, before: Filter, within: Within
) -> frozenset[bytes] | None:
    if isinstance(given, UnsetType):
        return before.channels
    if given is None:
        return None
    return frozenset(the_channel(db, each, "channels", within).id for each in given)


def _kinds(given: list[Kind] | UnsetType | None, before: Filter) -> frozenset[str] | None:
    if isinstance(given, UnsetType):
        return before.kinds
    return None if given is None else frozenset(given)


def _or(where: int | str | None, default: str) -> int | str:
    return default if where is None else where  # 0 is a place


def _start(db: SqlConnection, where: int | str) -> int:
    if isinstance(where, int):
        return where
    match where:
        case "start":
            return 0
        case "now":
            return events.newest(db)
        case _:
            return events.at_time(db, _time_ms(where))


def _time_ms(text: str) -> int:
    """Return the ms since the epoch of a time as RFC 3339 writes it."""
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return math.floor(time.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    message = "from is start, now, a cursor, or a time such as 2026-11-22T15:00:00Z."
    raise _invalid(message, "from")


def _invalid(message: str, field: str) -> DaemonError:
    return DaemonError("invalid_params", message, field=field)
