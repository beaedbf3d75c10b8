"""Post a receipt: the rules, in a transaction. The signature has been verified before.

Checks, in their order (docs/protocol/frames.md, "post_receipt"):
 1. the card is known and not revoked, the channel exists for it, and it is a present member
 2. the receipt stands no earlier than the stored one; an older one is accepted and ignored
"""

from peerpost_protocol.receipt import Receipt
from peerpost_relay.outcomes import Outcome, Receipted
from peerpost_relay.publishing import channel_for, require_member, standing
from peerpost_relay.store import StoredReceipt, Transaction


def post(transaction: Transaction, receipt: Receipt) -> Outcome:
    """Store the receipt if it is the newest; raise RefusalError."""
    body = receipt.body
    card = standing(transaction, body.card)  # 1
    channel = channel_for(transaction, body.channel, card)
    require_member(transaction, channel, card)
    stored = transaction.receipt(channel.number, card.number)
    if stored is not None and (
        body.position < stored.position or receipt.signed.payload == stored.signed.payload
    ):
        return Outcome(channel.id, stored.revision)  # 2
    newest = StoredReceipt(body.position, channel.receipts + 1, receipt.signed)
    transaction.put_receipt(channel.number, card.number, newest)
    news = Receipted(channel.id, body.card, newest.revision, receipt.signed)
    return Outcome(channel.id, newest.revision, news)
