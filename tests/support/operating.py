"""What the operator of a relay does to its store, as an operation."""

from collections.abc import Callable

from peerpost_protocol.card import Card
from peerpost_protocol.signing import SigningKey
from peerpost_protocol.statement import Reason
from peerpost_relay import histories
from peerpost_relay.outcomes import Outcome
from peerpost_relay.store import Transaction
from tests.support.people import relay_key


def revoking(
    card: Card, now_ms: int, key: SigningKey | None = None
) -> Callable[[Transaction], Outcome]:
    """Return the operation that revokes a card."""

    def revoke(transaction: Transaction) -> Outcome:
        found = transaction.card(card.id)
        assert found is not None
        return histories.rule(transaction, found, Reason.LOST, key or relay_key(), now_ms)

    return revoke
