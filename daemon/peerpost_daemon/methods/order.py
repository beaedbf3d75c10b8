"""An order: a message that somebody wants sent, checked; and how it gets into the outbox.

The message and its place in the outbox are stored in one transaction: what `queue` has returned survives whatever
happens next.
"""

from typing import NoReturn

from msgspec import Struct, structs

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.files.drafts import Finished
from peerpost_daemon.methods.params import the_channel
from peerpost_daemon.outbound.attachments import attach
from peerpost_daemon.records import (
    channels,
    contacts,
    files,
    history,
    judgement,
    messages,
    outbox,
    policies,
    references,
    tallies,
)
from peerpost_daemon.records.account import Account
from peerpost_daemon.records.bodies import encode_presentation
from peerpost_daemon.records.channels import ChannelState
from peerpost_daemon.records.history import MAX_HISTORY_BYTES
from peerpost_daemon.records.messages import Message
from peerpost_daemon.records.outgoing import Outgoing
from peerpost_daemon.records.references import Named
from peerpost_daemon.trust import ContactState, Policy
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import Presentation

_DISTRUSTED = (ContactState.CHANGED, ContactState.BLOCKED)
_USABLE = (ChannelState.PENDING, ChannelState.ACTIVE)


class Order(Struct, frozen=True):
    """Be a message to send: to an identity or into a channel (by any reference to it).

    It lives from when it is sent, which is `not_before_ms` for one that waits for its time.
    """

    to: str | None
    channel: str | None
    media_type: str | None
    body: bytes
    reply_to: bytes | None
    lifetime_ms: int | None
    key: str | None
    presentation: Presentation | None = None
    answers: bytes | None = (
        None  # the request that it answers; its channel is meant unless another is named
    )
    expects_reply: bool = False
    not_before_ms: int | None = None
    files: tuple[Finished, ...] = ()


class Destination(Struct, frozen=True):
    """Be where a message goes; a first one to an identity has no channel yet."""

    channel: bytes | None
    recipient: str | None
    expire_ms: int | None = None  # how long the channel's policy keeps it


class Room(Struct, frozen=True):
    """Hold the bounds: messages and bytes that may wait for the relay, and bytes of the whole history."""

    messages: int
    bytes: int
    retry_seconds: float
    history_bytes: int = MAX_HISTORY_BYTES

    def check(self, db: SqlConnection, size: int) -> None:
        """Raise DaemonError queue_full unless another body of `size` bytes may wait."""
        waiting = tallies.queued(db)
        if waiting.count >= self.messages:
            self._refuse(f"{waiting.count} messages wait for the relay already.")
        if waiting.count and waiting.bytes + size > self.bytes:  # one alone always finds room
            self._refuse(f"{waiting.bytes} bytes wait for the relay already.")

    def _refuse(self, sentence: str) -> NoReturn:
        raise DaemonError("queue_full", sentence, retry_after=self.retry_seconds)


def queue(
    db: SqlConnection, order: Order, id_: bytes, now_ms: int, *, own: Account, room: Room
) -> Outgoing:
    """Store the message and queue it under `id_`; return what the order's key queued before, if any.

    Raises DaemonError: invalid_params (the key was another order's), unknown_channel, ambiguous_channel, not_a_member,
    untrusted_contact, unknown_message (nothing to answer), queue_full.
    """
    if order.key is not None and (before := outbox.by_key(db, order.key)) is not None:
        _check_same(db, order, before)
        return before
    order = _to_the_asker(db, order)
    place = destination(db, order, own)
    room.check(db, len(order.body))
    history.make_room(db, room.history_bytes, now_ms)
    message = _message(order, id_, place, now_ms, own)
    cursor = messages.add(db, message)
    if cursor is None:
        raise DaemonError("internal_error", "A fresh message id was not fresh.")
    queued = outbox.add(
        db, message, cursor, place.recipient, order.key, not_before_ms=order.not_before_ms
    )
    attach(db, cursor, order.files)
    return queued


def destination(db: SqlConnection, order: Order, own: Account) -> Destination:
    """Return where an order goes, if that may be written to."""
    if order.to is not None:
        return _to_identity(db, order.to, own)
    found = _channel_or_identity(db, order.channel or "")
    if isinstance(found, str):
        return _to_identity(db, found, own)
    return _to_channel(db, found)


def _channel_or_identity(db: SqlConnection, reference: str) -> Named | str:
    """Return the channel, or the identity that is called so here. Raises DaemonError, naming all that fit."""
    called = judgement.by_alias(db, reference)
    if called is None:
        return the_channel(db, reference)
    channels_too = references.matching(db, reference)
    if not channels_too:
        return called
    candidates = [{"identity": called}, *({"channel": c.id.hex()} for c in channels_too)]
    message = f"A contact and {len(channels_too)} channels fit; use an identity or an id."
    extra = {"candidates": candidates}
    raise DaemonError("ambiguous_channel", message, field="channel", extra=extra)


def _to_channel(db: SqlConnection, named: Named) -> Destination:
    if named.state == ChannelState.REQUESTED:
        message = f"{named.name} is a request; accept it first."
        raise DaemonError("not_accepted", message, field="channel")
    if named.state not in _USABLE:
        message = f"This account is no member of {named.name} any more."
        raise DaemonError("not_a_member", message, field="channel")
    if not named.posts:
        message = f"The role of this account does not let it post in {named.name}."
        raise DaemonError("may_not_post", message, field="channel")
    if named.peer is not None:
        _check_trust(db, named.peer, named.id, "channel")
    return Destination(named.id, None, named.expire_ms)


def _to_identity(db: SqlConnection, identity: str, own: Account) -> Destination:
    if identity == own.identity:
        message = "A message goes to somebody else."
        raise DaemonError("invalid_params", message, field="to")
    channel = channels.direct(db, identity)
    _check_trust(db, identity, channel.id if channel else None, "to")
    return Destination(channel.id if channel else None, identity)


def _check_trust(db: SqlConnection, identity: str, channel: bytes | None, field: str) -> None:
    state = contacts.state(db, identity)
    strict = policies.in_force(db, identity, channel) is Policy.VERIFIED_ONLY
    if state in _DISTRUSTED or (strict and state is not ContactState.VERIFIED):
        message = f"The contact {identity} is {state.value}; nothing is sent to it."
        extra = {"identity": identity, "state": state.value}
        raise DaemonError("untrusted_contact", message, field=field, extra=extra)


def _message(order: Order, id_: bytes, place: Destination, now_ms: int, own: Account) -> Message:
    lives = [ms for ms in (order.lifetime_ms, place.expire_ms) if ms is not None]
    sent_at_ms = order.not_before_ms or now_ms
    return Message(
        id=id_,
        channel=place.channel,
        card=own.card.id,
        identity=own.identity,
        mine=True,
        sequence=None,
        position=None,
        media_type=order.media_type,
        body=order.body,
        reply_to=order.reply_to or order.answers,
        sent_at_ms=sent_at_ms,
        received_at_ms=None,
        expires_at_ms=sent_at_ms + min(lives) if lives else None,
        title=order.presentation.title if order.presentation else None,
        presentation=encode_presentation(order.presentation),
        request=id_ if order.expects_reply else order.answers,
        answers=order.answers is not None,
    )


def _words(said: Message) -> tuple[object, ...]:
    return (
        said.media_type,
        said.body,
        said.reply_to,
        said.presentation,
        said.request,
    )


def _to_the_asker(db: SqlConnection, order: Order) -> Order:
    """Return an answer with the channel in which it was asked."""
    if order.answers is None:
        return order
    asked = messages.find(db, order.answers)
    if asked is None or asked.message.channel is None:
        raise DaemonError("unknown_message", "No message has that id.", field="answers")
    if asked.message.request is None or asked.message.answers:
        message = "Nobody waits for an answer to that message: use reply_to."
        raise DaemonError("invalid_params", message, field="answers")
    return structs.replace(order, to=None, channel=asked.message.channel.hex())


def _check_same(db: SqlConnection, order: Order, before: Outgoing) -> None:
    stored = messages.find(db, before.message)
    if stored is None:
        return  # the history had no room for it any more: the key alone tells
    if not _same(db, order, before, stored.message) or not _same_files(db, order, stored.cursor):
        message = "Another message was sent under this key."
        raise DaemonError("invalid_params", message, field="idempotency_key")


def _same_files(db: SqlConnection, order: Order, cursor: int) -> bool:
    """Say whether a message has the files that are ordered; their keys differ each time."""
    known = files.of_messages(db, [cursor]).get(cursor, [])
    ordered = [(one.file.name, one.file.sha256) for one in order.files]
    return [(file.name, file.sha256) for file in known] == ordered


def _same_life(order: Order, said: Message) -> bool:
    """Say whether a message lives as long as ordered; a channel's policy may have made that shorter."""
    ordered = None if order.lifetime_ms is None else said.sent_at_ms + order.lifetime_ms
    if said.expires_at_ms == ordered:
        return True
    shorter = said.expires_at_ms is not None and (ordered is None or said.expires_at_ms < ordered)
    return shorter and order.to is None


def _same(db: SqlConnection, order: Order, before: Outgoing, said: Message) -> bool:
    if _words(said) != (
        order.media_type,
        order.body,
        order.reply_to or order.answers,
        encode_presentation(order.presentation),
        said.id if order.expects_reply else order.answers,
    ) or not _same_life(order, said):
        return False
    if before.not_before_ms != order.not_before_ms:
        return False
    if order.to is None and order.channel is None:
        return True  # an answer goes where the request is
    found = order.to or _channel_or_identity(db, order.channel or "")
    if isinstance(found, str):
        return before.recipient == found
    named = found
    if before.channel is None:  # its direct channel came to nothing, and another is being made
        return before.recipient == named.peer
    return before.channel == named.id
