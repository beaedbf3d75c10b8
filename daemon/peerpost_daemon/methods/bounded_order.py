"""What a caller orders who may send into some channels alone: checked before anything else is looked at.

The order that comes out names its channel by its id, or an identity: nothing that follows can take it for another. What
is out of reach is forbidden, whether it is there or not, so refusals tell nothing of the other channels. Who says where
a message goes:

1. `to`: the identity is in the configuration, or the direct channel with it;
2. `channel`: a contact's name that means such an identity; else a channel within, by any reference to it;
3. `answers`: the channel of the request.
"""

from msgspec import structs

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.order import Order
from peerpost_daemon.methods.params import the_channel
from peerpost_daemon.records import channels, judgement, messages
from peerpost_daemon.records.within import Within
from peerpost_daemon.vault.connection import SqlConnection


def bounded(db: SqlConnection, order: Order, within: Within) -> Order:
    """Return the order, if it goes to where its caller may send. Raises DaemonError forbidden, ambiguous_channel."""
    if not within.bounded:
        return order
    if order.answers is not None:
        return _as_answer(db, order, order.answers, within)
    if order.to is not None:
        return _to(db, order, order.to, within)
    reference = order.channel or ""
    called = judgement.by_alias(db, reference)
    if called is not None and _reaches(db, called, within):
        return _to(db, structs.replace(order, channel=None), called, within)
    channel = the_channel(db, reference, within=within).id
    return structs.replace(order, channel=channel.hex())


def _to(db: SqlConnection, order: Order, identity: str, within: Within) -> Order:
    if not _reaches(db, identity, within):
        raise _forbidden("to")
    return structs.replace(order, to=identity)


def _reaches(db: SqlConnection, identity: str, within: Within) -> bool:
    direct = channels.direct(db, identity)
    return within.has(db, direct.id if direct else None, identity)


def _as_answer(db: SqlConnection, order: Order, request: bytes, within: Within) -> Order:
    asked = messages.find(db, request)
    if asked is None or asked.message.channel is None or not within.shows(db, asked.message):
        raise _forbidden("answers")
    return order


def _forbidden(field: str) -> DaemonError:
    message = "This caller may not send there."
    return DaemonError("forbidden", message, field=field, extra={"scope": "send"})
