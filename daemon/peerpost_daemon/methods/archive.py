"""message.export, message.import and message.retention: what leaves the vault, comes into it, and stays in it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from peerpost_daemon import views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.ids import message_bytes
from peerpost_daemon.methods.pages import PageParam, place, written
from peerpost_daemon.methods.params import (
    CardParam,
    ChannelParam,
    allowed,
    identity,
    the_channel,
)
from peerpost_daemon.methods.texts import body_of_text, check_data
from peerpost_daemon.records import history, message_pages, messages, retention
from peerpost_daemon.records.bodies import encode_presentation
from peerpost_daemon.records.messages import Message
from peerpost_daemon.records.retention import Retention
from peerpost_daemon.records.within import Within
from peerpost_daemon.rpc import Call, Method, Reach, Scope
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.views.words import PRIORITIES
from peerpost_protocol import limits
from peerpost_protocol.content import Presentation

MAX_EXPORTED: Final = 100
EXPORTED_BYTES: Final = 4 * 1024 * 1024
MAX_IMPORTED: Final = 100
MAX_AGE_SECONDS: Final = 100 * 365 * 86_400

_Counter = Annotated[int, Meta(ge=0, le=limits.MAX_COUNTER)]


class Export(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel, and where to go on."""

    channel: ChannelParam
    page: PageParam | None = None


class Imported(Struct, frozen=True, rename={"from_": "from"}):
    """Be a message as `message.export` wrote it; what an import does not take in is passed over."""

    message: str
    from_: str
    from_card: CardParam
    kind: str
    sent_at_ms: _Counter
    text: str | None = None
    data: bytes | None = None
    media_type: str | None = None
    reply_to: str | None = None
    received_at_ms: _Counter | None = None
    expires_at_ms: _Counter | None = None
    title: Annotated[str, Meta(max_length=limits.MAX_TITLE_CHARACTERS)] | None = None
    priority: str = "default"
    tags: Annotated[list[str], Meta(max_length=limits.MAX_TAGS)] = []
    mentions: Annotated[list[str], Meta(max_length=limits.MAX_MENTIONS)] = []
    markdown: bool = False
    deleted_at_ms: int | None = None


class Import(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel and messages for it."""

    channel: ChannelParam
    messages: Annotated[list[Imported], Meta(max_length=MAX_IMPORTED)]


class ImportedCount(Struct, frozen=True):
    """Show how many messages came in, and how many were there already or cannot be stored."""

    imported: int
    skipped: int


class Keep(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel and what to keep of it: nothing new is shown, `forever` takes the bounds away."""

    channel: ChannelParam
    max_age: Annotated[float, Meta(gt=0, le=MAX_AGE_SECONDS, description="seconds")] | None = None
    max_count: Annotated[int, Meta(ge=0, le=limits.MAX_COUNTER)] | None = None
    forever: bool = False


class Kept(Struct, frozen=True):
    """Show what is kept of a channel; null is without a bound."""

    channel: str
    max_age: float | None
    max_count: int | None


class ArchiveMethods:
    """The methods that move messages out and in, and bound them."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare them."""
        finding = ("unknown_channel", "ambiguous_channel")
        storage = ("storage_full", "storage_failed")
        yield Method.of(
            "message.export",
            self.export,
            scope=Scope.RECEIVE,
            reach=Reach.CHANNELS,
            errors=finding,
        )
        full = (*finding, *storage, "too_large", "queue_full")
        yield Method.of("message.import", self.import_, scope=Scope.ADMIN, errors=full)
        kept = (*finding, *storage)
        yield Method.of("message.retention", self.retention, scope=Scope.ADMIN, errors=kept)

    async def export(self, params: Export, call: Call) -> views.Messages:
        """Return all messages of a channel, page by page, the oldest first."""
        within = allowed(call, Scope.RECEIVE)
        return await self._daemon.read(lambda db: _exported(db, params, within))

    async def import_(self, params: Import, call: Call) -> ImportedCount:  # noqa: ARG002
        """Store messages that were exported; they are shown as imported and never as verified."""
        own, now_ms = self._daemon.account.identity, self._daemon.clock()
        bound = self._daemon.settings.max_history_bytes

        def work(db: SqlConnection) -> ImportedCount:
            channel = the_channel(db, params.channel).id
            history.make_room(db, bound, now_ms)
            stored = [_store(db, one, channel, own, now_ms) for one in params.messages]
            return ImportedCount(sum(stored), len(stored) - sum(stored))

        return await self._daemon.write(work)

    async def retention(self, params: Keep, call: Call) -> Kept:  # noqa: ARG002
        """Set what this daemon keeps of a channel, or show it."""
        if params.forever and (params.max_age, params.max_count) != (None, None):
            message = "forever is without max_age and max_count."
            raise DaemonError("invalid_params", message, field="forever")
        return await self._daemon.write(lambda db: _kept(db, params))


def _exported(db: SqlConnection, params: Export, within: Within) -> views.Messages:
    channel = the_channel(db, params.channel, within=within)
    after = 0 if params.page is None else place(params.page).cursor
    found, held, more = list[messages.StoredMessage](), 0, True
    while more and len(found) < MAX_EXPORTED and held < EXPORTED_BYTES:
        part, more = message_pages.page(db, channel.id, after, None, 10)
        found += part
        held += sum(len(stored.message.body) for stored in part)
        after = part[-1].cursor if part else after
    shown = views.with_reactions(db, found, channel.name)
    return views.Messages(shown, more, written(after, onward=True) if more else None, None)


def _store(db: SqlConnection, one: Imported, channel: bytes, own: str, now_ms: int) -> bool:
    """Store a message that was exported; return False when it is there, has expired or cannot be shown."""
    if one.kind not in ("text", "data") or one.deleted_at_ms is not None:
        return False
    if one.expires_at_ms is not None and one.expires_at_ms <= now_ms:
        return False
    id_, who = message_bytes(one.message), identity(one.from_, "messages")
    if any(said.message.channel == channel for said in _known(db, id_, who)):
        return False
    is_text = one.kind == "text"
    body = body_of_text(one.text or "") if is_text else (one.data or b"")
    shown = _presentation(one)
    message = Message(
        id=id_,
        channel=channel,
        card=bytes.fromhex(one.from_card),
        identity=who,
        mine=who == own,
        sequence=None,
        position=None,
        media_type=None if is_text else check_data(one.media_type, body),
        body=body,
        reply_to=message_bytes(one.reply_to, field="messages") if one.reply_to else None,
        sent_at_ms=one.sent_at_ms,
        received_at_ms=one.received_at_ms,
        expires_at_ms=one.expires_at_ms,
        title=shown.title,
        presentation=encode_presentation(shown),
        imported=True,
    )
    return messages.add(db, message) is not None


def _known(db: SqlConnection, id_: bytes, who: str) -> list[messages.StoredMessage]:
    found = messages.find_by(db, id_, who)
    return [] if found is None else [found]


def _presentation(one: Imported) -> Presentation:
    wanted: Mapping[str, object] = {
        "title": one.title,
        "priority": PRIORITIES.index(one.priority) + 1 if one.priority in PRIORITIES else 3,
        "tags": one.tags,
        "mentions": one.mentions,
        "markdown": one.markdown,
    }
    try:
        return msgspec.convert(list(wanted.values()), Presentation)
    except msgspec.ValidationError:
        message = "A tag or a mention is outside its form."
        raise DaemonError("invalid_params", message, field="messages") from None


def _kept(db: SqlConnection, params: Keep) -> Kept:
    channel = the_channel(db, params.channel).id
    before = retention.of(db, channel)
    age_ms = before.max_age_ms if params.max_age is None else round(params.max_age * 1000)
    count = before.max_count if params.max_count is None else params.max_count
    kept = Retention(channel, None, None) if params.forever else Retention(channel, age_ms, count)
    if kept != before:
        retention.put(db, kept)
    age = None if kept.max_age_ms is None else kept.max_age_ms / 1000
    return Kept(channel.hex(), age, kept.max_count)
