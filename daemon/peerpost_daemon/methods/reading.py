"""message.mark_read: tell the others how far one has read. Nothing is ever marked by itself."""

from collections.abc import Iterator

from msgspec import Struct

from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.ids import message_bytes, new_message_id
from peerpost_daemon.methods.params import ChannelParam, MessageParam, allowed, the_channel
from peerpost_daemon.records import messages, outbox_bodies, read_marks
from peerpost_daemon.records.bodies import encode_body
from peerpost_daemon.records.channels import ChannelState
from peerpost_daemon.records.within import Within
from peerpost_daemon.rpc import Call, Method, Reach, Scope
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import ReadMark


class MarkRead(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel, and the last message that was read there; without it all were."""

    channel: ChannelParam
    up_to: MessageParam | None = None


class Marked(Struct, frozen=True):
    """Show up to which position the channel is read; `changed`: the others are told so."""

    channel: str
    position: int
    changed: bool


class ReadingMethods:
    """The method that says what has been read."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare it."""
        yield Method.of(
            "message.mark_read",
            self.mark_read,
            scope=Scope.SEND,
            reach=Reach.CHANNELS,
            errors=(
                "unknown_channel",
                "ambiguous_channel",
                "unknown_message",
                "not_a_member",
                "storage_full",
                "storage_failed",
            ),
        )

    async def mark_read(self, params: MarkRead, call: Call) -> Marked:
        """Tell the members of a channel that everything up to a message has been read."""
        own, now_ms = self._daemon.account.identity, self._daemon.clock()
        id_ = new_message_id(now_ms, self._daemon.random_bytes)
        within = allowed(call, Scope.SEND)

        def work(db: SqlConnection) -> Marked:
            return _mark(db, params, own, id_, now_ms, within=within)

        marked = await self._daemon.write(work)
        if marked.changed and (engine := self._daemon.running) is not None:
            engine.outbound.wake()
        return marked


def _mark(
    db: SqlConnection, params: MarkRead, own: str, id_: bytes, now_ms: int, *, within: Within
) -> Marked:
    channel = the_channel(db, params.channel, within=within)
    if channel.state != ChannelState.ACTIVE:
        message = f"This account is no member of {channel.name}."
        raise DaemonError("not_a_member", message, field="channel")
    if params.up_to is None:
        position = messages.last_received(db, channel.id)
    else:
        position = _position(db, channel.id, message_bytes(params.up_to, field="up_to"))
    changed = read_marks.note(db, channel.id, own, position, now_ms) is not None
    if changed and channel.posts:  # a reader's marks stay here
        outbox_bodies.add_mark(db, id_, channel.id, encode_body(ReadMark(position)), now_ms)
    return Marked(channel.id.hex(), read_marks.position_of(db, channel.id, own), changed)


def _position(db: SqlConnection, channel: bytes, id_: bytes) -> int:
    found = messages.find(db, id_)
    if found is None or found.message.channel != channel or found.message.position is None:
        message = "No message of the channel has that id, or it is not at the relay yet."
        raise DaemonError("unknown_message", message, field="up_to")
    return found.message.position
