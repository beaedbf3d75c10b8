"""consumer.*: the named readers of events, how far they are and what they hold."""

from collections.abc import Iterator

from msgspec import Struct

from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.params import ConsumerParam
from peerpost_daemon.records import consumers, events, held
from peerpost_daemon.rpc import Call, Method, Requires, Scope
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
        receive, vault = Scope.RECEIVE, Requires.VAULT
        unknown = ("unknown_consumer",)
        yield Method.of("consumer.list", self.list, scope=receive, requires=vault)
        yield Method.of("consumer.show", self.show, scope=receive, requires=vault, errors=unknown)
        yield Method.of(
            "consumer.remove",
            self.remove,
            scope=receive,
            requires=vault,
            errors=(*unknown, "storage_full", "storage_failed"),
        )

    async def list(self, params: ListConsumers, call: Call) -> Consumers:  # noqa: ARG002 - a handler's shape
        """List the named readers of events."""
        found = await self._daemon.read(
            lambda db: [self._shown(db, consumer) for consumer in consumers.everyone(db)]
        )
        return Consumers(found)

    async def show(self, params: ShowConsumer, call: Call) -> Consumer:  # noqa: ARG002
        """Show one consumer."""
        return await self._daemon.read(
            lambda db: self._shown(db, the_consumer(db, params.consumer))
        )

    async def remove(self, params: ShowConsumer, call: Call) -> Removed:  # noqa: ARG002
        """Forget a consumer, its cursor and what it holds; the messages stay in the vault."""

        def work(db: SqlConnection) -> None:
            consumers.remove(db, the_consumer(db, params.consumer).name)

        await self._daemon.write(work)
        self._daemon.readers.answered_up_to(params.consumer, MAX_COUNTER)
        return Removed(params.consumer)

    def _shown(self, db: SqlConnection, consumer: consumers.Consumer) -> Consumer:
        terms, holds = consumer.terms, held.summary(db, consumer.name)
        cursor = held.cursor_of(db, consumer)
        channels, kinds = terms.wanted.channels, terms.wanted.kinds
        return Consumer(
            consumer.name,
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


def the_consumer(db: SqlConnection, name: str) -> consumers.Consumer:
    """Return the consumer of that name. Raises DaemonError unknown_consumer."""
    found = consumers.find(db, name)
    if found is None:
        raise DaemonError("unknown_consumer", "No consumer has that name.", field="consumer")
    return found
