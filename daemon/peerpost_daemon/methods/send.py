"""message.send: into the outbox, and as far as the caller wants to wait."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct, structs

from peerpost_daemon import views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.ids import message_bytes, new_message_id
from peerpost_daemon.methods.bounded_order import bounded
from peerpost_daemon.methods.filing import FilesParam, Filing
from peerpost_daemon.methods.order import Order, Room, queue
from peerpost_daemon.methods.params import (
    ChannelParam,
    IdentityParam,
    MessageParam,
    Timeout,
    allowed,
    identity,
)
from peerpost_daemon.methods.presenting import (
    MentionsParam,
    TagsParam,
    TitleParam,
    Wishes,
    presentation,
)
from peerpost_daemon.methods.texts import body_of_text, check_data
from peerpost_daemon.methods.times import TimeParam, time_ms
from peerpost_daemon.records import outbox
from peerpost_daemon.records.account import Account
from peerpost_daemon.records.answers import MAX_ANSWERS
from peerpost_daemon.records.within import Within
from peerpost_daemon.rpc import Call, Method, Reach, Scope
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.views.words import Priority
from peerpost_protocol import limits

MAX_LIFETIME_SECONDS: Final = 10 * 365 * 86_400
MAX_KEY_CHARACTERS: Final = 256
DEFAULT_TIMEOUT: Final = 30.0  # seconds


class Send(Struct, frozen=True, forbid_unknown_fields=True):
    """Take `to`, `channel` or `answers`, and `text` or `data` with its `media_type`."""

    to: IdentityParam | None = None
    channel: ChannelParam | None = None
    text: str | None = None
    data: bytes | None = None
    media_type: str | None = None
    files: FilesParam = []
    reply_to: MessageParam | None = None
    expires_in: (
        Annotated[float, Meta(gt=0, le=MAX_LIFETIME_SECONDS, description="seconds")] | None
    ) = None
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=MAX_KEY_CHARACTERS)] | None = None
    title: TitleParam | None = None
    priority: Priority = "default"
    tags: TagsParam = []
    mentions: MentionsParam = []
    markdown: bool = False
    send_at: TimeParam | None = None
    answers: MessageParam | None = None
    expect_reply: bool = False
    responses: Annotated[int, Meta(ge=1, le=MAX_ANSWERS)] = 1
    wait: Literal["queued", "sent", "delivered", "read"] = "queued"
    timeout: Timeout = DEFAULT_TIMEOUT


class SendMethods:
    """The method that sends."""

    def __init__(self, daemon: Daemon, filing: Filing) -> None:
        self._daemon = daemon
        self._filing = filing
        settings = daemon.settings
        self._room = Room(
            settings.max_queued,
            settings.max_queued_bytes,
            settings.queue_retry_seconds,
            settings.max_history_bytes,
        )

    def all(self) -> Iterator[Method]:
        """Declare it."""
        yield Method.of(
            "message.send",
            self.send,
            scope=Scope.SEND,
            reach=Reach.CHANNELS,
            errors=(
                "unknown_channel",
                "ambiguous_channel",
                "unknown_message",
                "not_a_member",
                "forbidden",
                "unknown_file",
                "file_unreadable",
                "files_full",
                "too_many_requests",
                "may_not_post",
                "not_accepted",
                "untrusted_contact",
                "too_large",
                "queue_full",
                "timeout",
                "delivery_failed",
                "storage_full",
                "storage_failed",
            ),
        )

    async def send(self, params: Send, call: Call) -> views.Delivery:
        """Put a message into the outbox, whence it gets to the relay whatever happens; wait as told."""
        asked = order(params)
        if asked.key is not None:
            asked = structs.replace(asked, key=call.rights.kept(asked.key))
        within = allowed(call, Scope.SEND)
        own = self._daemon.account
        if (engine := self._daemon.running) is not None:
            # Before it is queued: both then share a turn of the loop, and one transaction.
            engine.outbound.wake()
        async with self._filing.finished(call, params.files) as files:
            message, delivery = await self._queue(structs.replace(asked, files=files), own, within)
        if files and engine is not None and engine.files is not None:
            engine.files.wake()
        if params.expect_reply:
            return await self._answered(message, params, own)
        if params.wait == "queued":
            return delivery
        return await self._waited(message, params, own)

    async def _answered(self, message: bytes, params: Send, own: Account) -> views.Delivery:
        """Wait for answers, but not to a message that will not be delivered."""
        answered = self._daemon.answers.reached(message, params.responses)
        failed = self._daemon.deliveries.reached(message, "failed")
        waiting = [asyncio.ensure_future(answered), asyncio.ensure_future(failed)]
        try:
            done, _ = await asyncio.wait(
                waiting, timeout=params.timeout, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        for task in done:
            task.result()
        delivery = await self._daemon.read(lambda db: _delivery(db, message, own))
        if len(delivery.answers) >= params.responses:
            return delivery
        if delivery.status == "failed":
            raise _failed(delivery)
        raise _too_few(delivery, params.responses)

    async def _queue(
        self, asked: Order, own: Account, within: Within
    ) -> tuple[bytes, views.Delivery]:
        now_ms = self._daemon.clock()
        fresh = new_message_id(now_ms, self._daemon.random_bytes)

        def work(db: SqlConnection) -> tuple[bytes, views.Delivery]:
            wanted = bounded(db, asked, within)
            outgoing = queue(db, wanted, fresh, now_ms, own=own, room=self._room)
            return outgoing.message, views.delivery(db, outgoing, own)

        return await self._daemon.write(work)

    async def _waited(self, message: bytes, params: Send, own: Account) -> views.Delivery:
        timed_out = False
        try:
            async with asyncio.timeout(params.timeout):
                await self._daemon.deliveries.reached(message, params.wait)
        except TimeoutError:
            timed_out = True
        delivery = await self._daemon.read(lambda db: _delivery(db, message, own))
        if delivery.status == "failed":
            raise _failed(delivery)
        if timed_out:
            raise _too_late(delivery, params.wait)
        return delivery


def order(params: Send) -> Order:
    """Return what the parameters ask for. Raises DaemonError invalid_params, too_large."""
    if sum(given is not None for given in (params.to, params.channel, params.answers)) != 1:
        raise _invalid("Give either to, channel or answers.", "to")
    _check_what(params)
    if params.answers is not None and params.expect_reply:
        raise _invalid("An answer expects no reply.", "expect_reply")
    media_type, body = _body(params)
    return Order(
        to=None if params.to is None else identity(params.to, "to"),
        channel=params.channel,
        media_type=media_type,
        body=body,
        reply_to=message_bytes(params.reply_to, field="reply_to") if params.reply_to else None,
        lifetime_ms=_lifetime(params.expires_in),
        key=params.idempotency_key,
        presentation=presentation(
            Wishes(params.title, params.priority, params.tags, params.mentions, params.markdown)
        ),
        answers=message_bytes(params.answers, field="answers") if params.answers else None,
        expects_reply=params.expect_reply,
        not_before_ms=None if params.send_at is None else time_ms(params.send_at, "send_at"),
    )


def _check_what(params: Send) -> None:
    """Refuse what is not exactly a text, data, or files with or without a text."""
    if params.files:
        if params.data is not None:
            raise _invalid("Files go with a text, not with data.", "data")
        if len(params.text or "") > limits.MAX_CAPTION_CHARACTERS:
            bound = limits.MAX_CAPTION_CHARACTERS
            message = f"A text beside files has at most {bound} characters."
            raise DaemonError("too_large", message, field="text")
    elif (params.text is None) == (params.data is None):
        raise _invalid("Give either text or data.", "text")


def _body(params: Send) -> tuple[str | None, bytes]:
    if params.data is not None:
        return check_data(params.media_type, params.data), params.data
    if params.media_type is not None:
        raise _invalid("A media_type belongs to data, not to text.", "media_type")
    return None, body_of_text(params.text or "")


def _lifetime(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, round(seconds * 1000))


def _delivery(db: SqlConnection, message: bytes, own: Account) -> views.Delivery:
    outgoing = outbox.find(db, message)
    if outgoing is None:
        raise DaemonError("unknown_message", "The message is gone.")
    return views.delivery(db, outgoing, own)


def _failed(delivery: views.Delivery) -> DaemonError:
    reason = delivery.reason or "unknown"
    extra = {"message": delivery.message, "reason": reason}
    return DaemonError("delivery_failed", f"The message was given up: {reason}.", extra=extra)


def _too_late(delivery: views.Delivery, wanted: str) -> DaemonError:
    extra = {"message": delivery.message, "status": delivery.status}
    text = f"The message is {delivery.status}, not yet {wanted}; it stays on its way."
    return DaemonError("timeout", text, extra=extra)


def _too_few(delivery: views.Delivery, wanted: int) -> DaemonError:
    extra = {
        "message": delivery.message,
        "status": delivery.status,
        "answers": msgspec.to_builtins(delivery.answers),
    }
    text = f"{len(delivery.answers)} of {wanted} answers came in time."
    return DaemonError("timeout", text, extra=extra)


def _invalid(message: str, field: str) -> DaemonError:
    return DaemonError("invalid_params", message, field=field)
