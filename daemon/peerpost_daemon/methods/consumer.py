"""consumer.*: the named readers of events, how far they are and what they hold."""

from collections.abc import Iterator

from msgspec import Struct

from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.params import ConsumerParam
from peerpost_daemon.records import consumers, events, held
from peerpost_daemon.rpc import Call, Method, Reach, Requires, Rights, Scope
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.limits import MAX_COUNTER


class ListConsumers(Struct, frozen=True, forbid_unknown_fields=True):
    """Take no parameters."""


class ShowConsumer(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a consumer."""

    consumer: ConsumerParam


class Consumer(Struct, frozen=True):
    """Show a consumer: what it wants, on which terms, how far it is, and what it holds.

    Everything up to `cursor` is done with, but for dead letters; `behind` events follow it, wanted or not.
    """

    consumer: str
    channels: list[str] | None
    kinds: list[str] | None
    window: int
    ack_seconds: float | None
    max_attempts: int | None
    cursor: int
    behind: int
    in_flight: int
    deferred: int
    dead_letters: int
    lost: int
    subscriptions: int
    created_at_ms: int
    acknowledged_at_ms: int | None


class Consumers(Struct, frozen=True):
    """Show all consumers by name."""

    consumers: list[Consumer]


class Removed(Struct, frozen=True):
    """Show the consumer that is no more."""

    consumer: str


class ConsumerMethods:
    """The methods of the noun."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare them."""
        unknown = ("unknown_consumer",)
        for name, handler, errors in (
            ("consumer.list", self.list, ()),
            ("consumer.show", self.show, unknown),
            ("consumer.remove", self.remove, (*unknown, "storage_full", "storage_failed")),
        ):
            yield Method.of(
                name,
                handler,
                scope=Scope.RECEIVE,
                reach=Reach.CHANNELS,
                requires=Requires.VAULT,
                errors=errors,
            )

    async def list(self, params: ListConsumers, call: Call) -> Consumers:  # noqa: ARG002 - a handler's shape
        """List the named readers of events."""
        rights = call.rights

        def look(db: SqlConnection) -> list[Consumer]:
            named = [(rights.told(each.name), each) for each in consumers.everyone(db)]
            return [self._shown(db, each, name) for name, each in named if name is not None]

        return Consumers(await self._daemon.read(look))

    async def show(self, params: ShowConsumer, call: Call) -> Consumer:
        """Show one consumer."""
        name, rights = params.consumer, call.rights
        return await self._daemon.read(
            lambda db: self._shown(db, the_consumer(db, name, rights), name)
        )

    async def remove(self, params: ShowConsumer, call: Call) -> Removed:
        """Forget a consumer, its cursor and what it holds; the messages stay in the vault."""
        rights = call.rights

        def work(db: SqlConnection) -> None:
            consumers.remove(db, the_consumer(db, params.consumer, rights).name)

        await self._daemon.write(work)
        self._daemon.readers.answered_up_to(rights.kept(params.consumer), MAX_COUNTER)
        return Removed(params.consumer)

    def _shown(self, db: SqlConnection, consumer: consumers.Consumer, name: str) -> Consumer:
        terms, holds = consumer.terms, held.summary(db, consumer.name)
        cursor = held.cursor_of(db, consumer)
        channels, kinds = terms.wanted.channels, terms.wanted.kinds
        return Consumer(
            name,
            None if channels is None else sorted(id_.hex() for id_ in channels),
            None if kinds is None else sorted(kinds),
            terms.window,
            None if terms.ack_ms is None else terms.ack_ms / 1000,
            terms.max_attempts,
            cursor,
            max(0, events.newest(db) - cursor),
            holds.flying,
            holds.deferred,
            holds.dead,
            consumer.lost,
            self._daemon.readers.count(consumer.name),
            consumer.created_at_ms,
            consumer.acknowledged_at_ms,
        )


def the_consumer(db: SqlConnection, name: str, rights: Rights) -> consumers.Consumer:
    """Return the consumer that a caller calls so. Raises DaemonError unknown_consumer."""
    found = consumers.find(db, rights.kept(name))
    if found is None:
        raise DaemonError("unknown_consumer", "No consumer has that name.", field="consumer")
    return found
