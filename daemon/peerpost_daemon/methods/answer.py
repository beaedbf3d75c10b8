"""event.ack, event.nack and the dead letters: what a consumer says of the events it was given.

A consumer without `ack_seconds` acknowledges everything up to a cursor at once. A queue answers for each event alone.
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from msgspec import Meta, Raw, Struct

from peerpost_daemon import views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.consumer import the_consumer
from peerpost_daemon.methods.params import ConsumerParam, CursorParam, allowed
from peerpost_daemon.records import consumers, event_pages, held
from peerpost_daemon.records.consumers import Consumer
from peerpost_daemon.records.within import Within
from peerpost_daemon.rpc import Call, Method, Reach, Requires, Rights, Scope
from peerpost_daemon.vault.connection import SqlConnection

MAX_DELAY_SECONDS: Final = 30 * 86_400
MAX_PAGE: Final = 256
DEFAULT_PAGE: Final = 50


class Acknowledge(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a consumer and the cursor of an event that it is done with."""

    consumer: ConsumerParam
    cursor: CursorParam


class Acknowledged(Struct, frozen=True):
    """Show how far a consumer is: everything up to `cursor` is done with."""

    consumer: str
    cursor: int


class Refuse(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a consumer, the cursor of an event it cannot work on now, and for how long."""

    consumer: ConsumerParam
    cursor: CursorParam
    delay: Annotated[float, Meta(ge=0, le=MAX_DELAY_SECONDS, description="seconds")] = 0.0


class Refused(Struct, frozen=True):
    """Show what became of the event: it is delivered again (`waiting`), or is a dead letter."""

    consumer: str
    cursor: int
    state: Literal["waiting", "dead"]


class ListDead(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a consumer, the cursor after which to list, and how many."""

    consumer: ConsumerParam
    after: CursorParam = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE


class DeadLetter(Struct, frozen=True):
    """Show an event that was given up: delivered `attempts` times, the last one failed for `reason`."""

    cursor: int
    kind: str
    at_ms: int
    attempts: int
    reason: str | None
    data: views.Message | Raw


class DeadLetters(Struct, frozen=True):
    """Show a page of dead letters, oldest first; `more`: the page could go on."""

    dead_letters: list[DeadLetter]
    more: bool


class Choose(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a consumer and the cursor of one dead letter; without it all are meant."""

    consumer: ConsumerParam
    cursor: CursorParam | None = None


class Chosen(Struct, frozen=True):
    """Show how many dead letters it were."""

    consumer: str
    count: int


class AnswerMethods:
    """The methods of the noun event by which consumers answer."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare them."""
        unknown = ("unknown_consumer",)
        writes = (*unknown, "storage_full", "storage_failed")
        for name, handler, errors in (
            ("event.ack", self.ack, writes),
            ("event.nack", self.nack, writes),
            ("event.dead_letters", self.dead_letters, unknown),
            ("event.requeue", self.requeue, writes),
            ("event.discard", self.discard, writes),
        ):
            yield Method.of(
                name,
                handler,
                scope=Scope.RECEIVE,
                reach=Reach.CHANNELS,
                requires=Requires.VAULT,
                errors=errors,
            )

    async def ack(self, params: Acknowledge, call: Call) -> Acknowledged:
        """Note that a consumer is done with everything up to a cursor, or a queue with one event."""
        rights, cursor, now_ms = call.rights, params.cursor, self._daemon.clock()
        name = rights.kept(params.consumer)
        is_queue, upto = await self._daemon.write(lambda db: _ack(db, params, rights, now_ms))
        if is_queue:
            self._daemon.readers.answered(name, cursor)
        else:
            self._daemon.readers.answered_up_to(name, upto)
        return Acknowledged(params.consumer, upto)

    async def nack(self, params: Refuse, call: Call) -> Refused:
        """Give an event back: it is delivered again later, and the others are not held up."""
        now_ms, steady_ms = self._daemon.clock(), self._daemon.steady_ms()
        rights = call.rights

        def work(db: SqlConnection) -> tuple[str, int]:
            return _nack(db, params, rights, now_ms=now_ms, steady_ms=steady_ms)

        state, attempt = await self._daemon.write(work)
        self._daemon.readers.answered(rights.kept(params.consumer), params.cursor, attempt)
        self._daemon.readers.wake(rights.kept(params.consumer))
        return Refused(params.consumer, params.cursor, state)  # type: ignore[arg-type]  # its words

    async def dead_letters(self, params: ListDead, call: Call) -> DeadLetters:
        """List the events that were delivered as often as allowed and never done with."""
        limit_bytes = self._daemon.settings.message_page_bytes
        within, rights = allowed(call, Scope.RECEIVE), call.rights

        def look(db: SqlConnection) -> DeadLetters:
            return _dead_letters(db, params, limit_bytes, rights, within)

        return await self._daemon.read(look)

    async def requeue(self, params: Choose, call: Call) -> Chosen:
        """Deliver dead letters again, with all their attempts anew."""
        rights = call.rights

        def work(db: SqlConnection) -> int:
            return held.requeue(db, the_consumer(db, params.consumer, rights).name, params.cursor)

        chosen = _chosen(params, await self._daemon.write(work))
        self._daemon.readers.wake(rights.kept(params.consumer))
        return chosen

    async def discard(self, params: Choose, call: Call) -> Chosen:
        """Be done with dead letters; the messages stay in the vault."""
        rights = call.rights

        def work(db: SqlConnection) -> int:
            return held.discard(db, the_consumer(db, params.consumer, rights).name, params.cursor)

        chosen = _chosen(params, await self._daemon.write(work))
        self._daemon.readers.wake(rights.kept(params.consumer))
        return chosen


def _ack(db: SqlConnection, params: Acknowledge, rights: Rights, now_ms: int) -> tuple[bool, int]:
    consumer, cursor = the_consumer(db, params.consumer, rights), params.cursor
    name = consumer.name
    if not consumer.terms.is_queue:
        return False, consumers.acknowledge(db, name, cursor, now_ms)
    _check_given(consumer, cursor)
    held.done(db, name, cursor)
    consumers.answered(db, name, now_ms)
    return True, held.cursor_of(db, consumer)


def _nack(
    db: SqlConnection, params: Refuse, rights: Rights, *, now_ms: int, steady_ms: int
) -> tuple[str, int]:
    """Defer an event; return its state then, and the attempt that was given back."""
    consumer = the_consumer(db, params.consumer, rights)
    if not consumer.terms.is_queue:
        message = f"{params.consumer} has no ack_seconds: what it does not acknowledge comes again."
        raise DaemonError("invalid_params", message, field="consumer")
    _check_given(consumer, params.cursor)
    delay_ms = round(params.delay * 1000)
    attempt = held.attempt_of(db, consumer.name, params.cursor)
    state = held.defer(db, consumer, params.cursor, delay_ms=delay_ms, now_ms=steady_ms)
    if state is None or attempt is None:
        raise _no_event("That event is done with, or a dead letter.")
    consumers.answered(db, consumer.name, now_ms)
    return state, attempt


def _check_given(consumer: Consumer, cursor: int) -> None:
    if cursor > consumer.acknowledged:
        raise _no_event("That event was not delivered to this consumer yet.")


def _dead_letters(
    db: SqlConnection, params: ListDead, limit_bytes: int, rights: Rights, within: Within
) -> DeadLetters:
    name = the_consumer(db, params.consumer, rights).name
    found = held.dead_letters(db, name, params.after, params.limit + 1)
    letters = {letter.cursor: letter for letter in found[: params.limit]}
    events = event_pages.these(db, tuple(letters), limit_bytes, within.ids(db))
    shown = []
    for event in events:
        letter = letters[event.cursor]
        data: views.Message | Raw = Raw(event.data or b"{}")
        if event.message is not None:
            data = views.message(event.message, event.message.channel_name)
        shown.append(
            DeadLetter(event.cursor, event.kind, event.at_ms, letter.attempt, letter.reason, data)
        )
    return DeadLetters(shown, len(found) > len(shown))


def _chosen(params: Choose, count: int) -> Chosen:
    if params.cursor is not None and not count:
        raise _no_event("That event is no dead letter.")
    return Chosen(params.consumer, count)


def _no_event(message: str) -> DaemonError:
    return DaemonError("invalid_params", message, field="cursor")
