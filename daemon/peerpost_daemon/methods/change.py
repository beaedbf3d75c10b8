"""message.react, message.edit, message.delete, message.cancel: change what has been said."""

from collections.abc import Callable, Iterator
from typing import Annotated, Final

from msgspec import Meta, Struct

from peerpost_daemon import changing, views
from peerpost_daemon.changing import Changing
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.delivering import give_up
from peerpost_daemon.errors import DaemonError, NotShown
from peerpost_daemon.ids import message_bytes, new_message_id
from peerpost_daemon.methods.order import Room
from peerpost_daemon.methods.params import IdentityParam, MessageParam, allowed, identity
from peerpost_daemon.methods.texts import body_of_text
from peerpost_daemon.records import changes, channels, messages, outbox, outbox_bodies
from peerpost_daemon.records.bodies import Change, encode_body
from peerpost_daemon.records.channels import ChannelState
from peerpost_daemon.records.messages import StoredMessage
from peerpost_daemon.records.outgoing import OutboxState
from peerpost_daemon.records.within import Within
from peerpost_daemon.rpc import Call, Method, Reach, Scope
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol import limits
from peerpost_protocol.content import Deletion, Edit, Reaction

CANCELLED: Final = "cancelled"


class React(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a message and the sign to put to it, or to take back."""

    message: MessageParam
    emoji: Annotated[str, Meta(min_length=1, max_length=limits.MAX_EMOJI_CHARACTERS)]
    withdraw: bool = False
    author: IdentityParam | None = None


class EditText(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a message of one's own and its new text."""

    message: MessageParam
    text: str


class Delete(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a message, and whose it is where that is not clear."""

    message: MessageParam
    author: IdentityParam | None = None


class Cancel(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a message that has not left."""

    message: MessageParam


class ChangeMethods:
    """The methods that change messages."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        settings = daemon.settings
        self._room = Room(
            settings.max_queued, settings.max_queued_bytes, settings.queue_retry_seconds
        )

    def all(self) -> Iterator[Method]:
        """Declare them."""
        storage = ("storage_full", "storage_failed")
        common = ("unknown_message", "not_a_member", "may_not_post", "queue_full", *storage)
        for name, handler, errors in (
            ("message.react", self.react, common),
            ("message.edit", self.edit, (*common, "not_the_author", "too_large")),
            ("message.delete", self.delete, (*common, "not_an_admin")),
            ("message.cancel", self.cancel, ("unknown_message", "already_sent", *storage)),
        ):
            yield Method.of(name, handler, scope=Scope.SEND, reach=Reach.CHANNELS, errors=errors)

    async def react(self, params: React, call: Call) -> views.Message:
        """Put a sign to a message, or take it back."""
        id_, author = message_bytes(params.message), _author(params.author)

        def change(found: StoredMessage) -> Change:
            return Reaction(id_, found.message.identity, params.emoji, withdrawn=params.withdraw)

        return await self._change(call, id_, author, change)

    async def edit(self, params: EditText, call: Call) -> views.Message:
        """Replace the text of a message of one's own."""
        id_, text = message_bytes(params.message), body_of_text(params.text).decode()
        own = self._daemon.account.identity

        def change(found: StoredMessage) -> Change:
            if found.message.identity != own:
                raise DaemonError("not_the_author", "Only who wrote a message may edit it.")
            if found.message.media_type is not None:
                raise DaemonError("invalid_params", "Only a text can be edited.", field="message")
            return Edit(id_, text)

        return await self._change(call, id_, None, change)

    async def delete(self, params: Delete, call: Call) -> views.Message:
        """Delete a message of one's own, or, as an admin of the channel, anybody's."""
        id_, author = message_bytes(params.message), _author(params.author)

        def change(found: StoredMessage) -> Change:
            return Deletion(id_, found.message.identity)

        return await self._change(call, id_, author, change)

    async def cancel(self, params: Cancel, call: Call) -> views.Delivery:
        """Take a message back that has not left; nothing of it stays."""
        id_, own = message_bytes(params.message), self._daemon.account
        now_ms, within = self._daemon.clock(), allowed(call, Scope.SEND)

        def work(db: SqlConnection) -> views.Delivery:
            if (waits := outbox.find(db, id_)) is not None:
                _check_within(db, within, waits.channel, waits.recipient)
            _cancel(db, id_, own.identity, now_ms)
            outgoing = outbox.find(db, id_)
            assert outgoing is not None
            return views.delivery(db, outgoing, own)

        delivery = await self._daemon.write(work)
        self._daemon.bell.ring()
        return delivery

    async def _change(
        self,
        call: Call,
        id_: bytes,
        author: str | None,
        change: Callable[[StoredMessage], Change],
    ) -> views.Message:
        now_ms, own = self._daemon.clock(), self._daemon.account.identity
        fresh = new_message_id(now_ms, self._daemon.random_bytes)
        sends, receives = allowed(call, Scope.SEND), allowed(call, Scope.RECEIVE)

        def work(db: SqlConnection) -> views.Message:
            found = _found(db, id_, author)
            if not sends.shows(db, found.message):
                raise _unknown(NotShown)
            body = change(found)
            _make(db, found, body, fresh, own, now_ms=now_ms, room=self._room)
            shown = views.with_reactions(db, [_found(db, id_, author)])[0]
            return shown if receives.shows(db, found.message) else views.head_of(shown)

        shown = await self._daemon.write(work)
        self._daemon.bell.ring()
        if (engine := self._daemon.running) is not None:
            engine.outbound.wake()
            if engine.files is not None:
                engine.files.wake()
        return shown


def _make(
    db: SqlConnection,
    found: StoredMessage,
    body: Change,
    fresh: bytes,
    own: str,
    *,
    now_ms: int,
    room: Room,
) -> None:
    """Make a change here, and queue it for the others unless the message itself has not left."""
    said = found.message
    if said.deleted_at_ms is not None:
        raise DaemonError("unknown_message", "The message has been deleted.", field="message")
    if said.mine and (row := outbox.find(db, said.id)) is not None and row.state in _NOT_LEFT:
        _make_alone(db, found, body, own, now_ms)
        return
    if said.channel is None or (channel := channels.find(db, said.channel)) is None:
        raise DaemonError("unknown_message", "The message has no channel.", field="message")
    if channel.state is not ChannelState.ACTIVE:
        raise DaemonError("not_a_member", "This account is no member of the channel.")
    member = channel.roster.members.get(own)
    if member is None or not channel.roster.may_post(member):
        raise DaemonError("may_not_post", "The account's role does not let it post there.")
    encoded = encode_body(body)
    room.check(db, len(encoded))
    may = changing.moderates(channel.roster, own)
    change = Changing(said.channel, own, may, 0, now_ms, body)
    if not changing.is_allowed(change):
        raise DaemonError("not_an_admin", "Only its author or an admin may delete a message.")
    changing.apply(db, change)
    outbox_bodies.add_change(
        db,
        fresh,
        said.channel,
        encoded,
        subject=said.id,
        now_ms=now_ms,
        expires_at_ms=said.expires_at_ms,
    )


_NOT_LEFT = (OutboxState.QUEUED, OutboxState.FAILED)


def _make_alone(
    db: SqlConnection, found: StoredMessage, body: Change, own: str, now_ms: int
) -> None:
    """Change a message that nobody else has."""
    match body:
        case Edit(_, text):
            changes.edit(db, found.cursor, text, 0, now_ms)
            outbox.resize(db, found.message.id, len(text.encode()))
        case Deletion(message):
            _cancel(db, message, own, now_ms)
        case Reaction():
            sentence = "The message has not left yet: nobody could see the reaction."
            raise DaemonError("invalid_params", sentence, field="message")


def _cancel(db: SqlConnection, id_: bytes, own: str, now_ms: int) -> None:
    outgoing = outbox.find(db, id_)
    if outgoing is None or outgoing.content is not None:
        raise _unknown()
    if outgoing.state not in _NOT_LEFT:
        message = f"The message is {outgoing.state.value} already; it can be deleted."
        raise DaemonError("already_sent", message, field="message")
    found = messages.find(db, id_)
    give_up(db, [(outgoing.number, id_)], CANCELLED, now_ms)
    if found is not None and found.message.mine:
        changes.erase(db, found.cursor, own, now_ms)
    outbox_bodies.forget_message(db, id_, now_ms)


def _found(db: SqlConnection, id_: bytes, author: str | None) -> StoredMessage:
    found = messages.find(db, id_) if author is None else messages.find_by(db, id_, author)
    if found is None:
        raise _unknown()
    return found


def _check_within(
    db: SqlConnection, within: Within, channel: bytes | None, recipient: str | None
) -> None:
    if not within.has(db, channel, recipient):
        raise _unknown(NotShown)


def _unknown(error: type[DaemonError] = DaemonError) -> DaemonError:
    return error("unknown_message", "No message has that id.", field="message")


def _author(given: str | None) -> str | None:
    return None if given is None else identity(given, "author")
