"""Named readers of events."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from peerpost.method import method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from peerpost.types import (
        Acknowledged,
        Chosen,
        Consumer,
        Consumers,
        DeadLetters,
        Refused,
        Removed,
    )


class EventMethods:
    """Ask about consumers, and acknowledge what they were given."""

    @method("consumer.list")
    def consumer_list(self) -> Consumers:
        """List the named readers of events."""

    @method("consumer.show")
    def consumer_show(self, consumer: str) -> Consumer:
        """Show one consumer."""

    @method("consumer.remove")
    def consumer_remove(self, consumer: str) -> Removed:
        """Forget a consumer and its cursor."""

    @method("event.ack")
    def event_ack(self, consumer: str, cursor: int) -> Acknowledged:
        """Acknowledge all events up to a cursor for a named consumer; a queue only this one."""

    @method("event.nack")
    def event_nack(self, consumer: str, cursor: int, *, delay: float | None = None) -> Refused:
        """Give an event of a queue back, to come again after `delay` seconds."""

    @method("event.dead_letters")
    def dead_letters(
        self, consumer: str, *, after: int | None = None, limit: int | None = None
    ) -> DeadLetters:
        """List the events of a queue that were delivered as often as allowed."""

    @method("event.requeue")
    def requeue(self, consumer: str, cursor: int | None = None) -> Chosen:
        """Deliver a dead letter again, or all of them."""

    @method("event.discard")
    def discard(self, consumer: str, cursor: int | None = None) -> Chosen:
        """Be done with a dead letter, or with all of them."""
