"""message.*: what has been said, and how far one's own messages have come. Sending is in `send`."""

from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta, Struct, structs

from peerpost_daemon import views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError, NotShown
from peerpost_daemon.ids import message_bytes
from peerpost_daemon.methods.pages import PageParam, place, written
from peerpost_daemon.methods.params import (
    ChannelParam,
    CursorParam,
    IdentityParam,
    MessageParam,
    allowed,
    identity,
    the_channel,
)
from peerpost_daemon.methods.times import TimeParam, time_ms
from peerpost_daemon.records import message_pages, messages, outbox
from peerpost_daemon.records.account import Account
from peerpost_daemon.records.message_pages import Narrowing
from peerpost_daemon.records.messages import StoredMessage
from peerpost_daemon.records.within import Within
from peerpost_daemon.rpc import Call, Method, Reach, Scope
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.limits import MAX_COUNTER

MAX_PAGE: Final = 500
DEFAULT_PAGE: Final = 50
_STEP: Final = 32  # messages read at once: all of them may be as long as messages get


class Show(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a message."""

    message: MessageParam


class List(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel, the cursors between which its messages are listed, both exclusive, and which are wanted."""

    channel: ChannelParam
    after: CursorParam | None = None
    before: Annotated[int, Meta(ge=1, le=MAX_COUNTER)] | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    page: PageParam | None = None
    since: TimeParam | None = None
    until: TimeParam | None = None
    sender: IdentityParam | None = None
    thread: MessageParam | None = None


class MessageMethods:
    """The methods of the noun that read."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare them."""
        reach, unknown = Reach.CHANNELS, ("unknown_message",)
        finding = ("unknown_channel", "ambiguous_channel")
        for name, handler, scope, errors in (
            ("message.list", self.list, Scope.RECEIVE, finding),
            ("message.show", self.show, Scope.RECEIVE, unknown),
            ("message.status", self.status, Scope.SEND, unknown),
        ):
            yield Method.of(name, handler, scope=scope, reach=reach, errors=errors)

    async def list(self, params: List, call: Call) -> views.Messages:
        """List messages of a channel in ascending order: the newest, or those beside a cursor."""
        bound = self._daemon.settings.message_page_bytes
        within = allowed(call, Scope.RECEIVE)
        return await self._daemon.read(lambda db: _page(db, params, bound, within))

    async def show(self, params: Show, call: Call) -> views.Message:
        """Show one message."""
        id_, within = message_bytes(params.message), allowed(call, Scope.RECEIVE)
        return await self._daemon.read(lambda db: _message(db, id_, within))

    async def status(self, params: Show, call: Call) -> views.Delivery:
        """Tell how far a message has come: one sent here card by card, another's when it came and was read."""
        id_, own = message_bytes(params.message), self._daemon.account
        return await self._daemon.read(lambda db: _delivery(db, id_, own, call))


def _message(db: SqlConnection, id_: bytes, within: Within) -> views.Message:
    stored = messages.find(db, id_)
    if stored is None:
        raise _unknown()
    if not within.shows(db, stored.message):
        raise _unknown(NotShown)
    return views.with_reactions(db, [stored])[0]


def _delivery(db: SqlConnection, id_: bytes, own: Account, call: Call) -> views.Delivery:
    outgoing = outbox.find(db, id_)
    if outgoing is None:
        return _received(db, id_, own, call)
    if not allowed(call, Scope.SEND).has(db, outgoing.channel, outgoing.recipient):
        raise _unknown(NotShown)
    shown = views.delivery(db, outgoing, own)
    if allowed(call, Scope.RECEIVE).has(db, outgoing.channel, outgoing.recipient):
        return shown
    return structs.replace(shown, answers=[])


def _received(db: SqlConnection, id_: bytes, own: Account, call: Call) -> views.Delivery:
    stored = messages.find(db, id_)
    if stored is None or stored.message.mine:
        raise _unknown()
    if not allowed(call, Scope.RECEIVE).shows(db, stored.message):
        raise _unknown(NotShown)
    return views.received(db, stored, own)


def _page(db: SqlConnection, params: List, bound: int, within: Within) -> views.Messages:
    """Read in steps, until there are enough, or enough bytes: `more` says so either way."""
    channel, narrowing = the_channel(db, params.channel, within=within), _narrowing(params)
    after, before = _ends(params)
    ascending = after is not None
    found, held, more = list[StoredMessage](), 0, True
    while more and len(found) < params.limit and held < bound:
        step = min(_STEP, params.limit - len(found))
        part, more = message_pages.page(db, channel.id, after, before, step, narrowing=narrowing)
        found = [*found, *part] if ascending else [*part, *found]
        held += sum(len(stored.message.body) for stored in part)
        if part:
            after, before = (part[-1].cursor, before) if ascending else (after, part[0].cursor)
    shown = views.with_reactions(db, found, channel.name)
    first, last = (found[0].cursor, found[-1].cursor) if found else (before, after)
    return views.Messages(
        shown,
        more,
        None if last is None else written(last, onward=True),
        None if first is None else written(first, onward=False),
    )


def _ends(params: List) -> tuple[int | None, int | None]:
    """Return after and before."""
    if params.page is None:
        return params.after, params.before
    if params.after is not None or params.before is not None:
        message = "Give either page, or after and before."
        raise DaemonError("invalid_params", message, field="page")
    there = place(params.page)
    return (there.cursor, None) if there.onward else (None, there.cursor)


def _narrowing(params: List) -> Narrowing | None:
    wanted = Narrowing(
        None if params.sender is None else identity(params.sender, "sender"),
        None if params.thread is None else message_bytes(params.thread, field="thread"),
        None if params.since is None else time_ms(params.since, "since"),
        None if params.until is None else time_ms(params.until, "until"),
    )
    return None if wanted == Narrowing() else wanted


def _unknown(error: type[DaemonError] = DaemonError) -> DaemonError:
    return error("unknown_message", "No message has that id.", field="message")
