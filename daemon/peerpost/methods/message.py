"""Messages."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from peerpost.method import method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from peerpost.types import (
        Delivery,
        FileToSend,
        Found,
        ImportedCount,
        Kept,
        Marked,
        Message,
        Messages,
        Priority,
        Wait,
    )


class MessageMethods:
    """Send, change, find and list messages."""

    @method("message.send")
    def send(
        self,
        *,
        to: str | None = None,
        channel: str | None = None,
        text: str | None = None,
        data: bytes | None = None,
        media_type: str | None = None,
        files: Sequence[str | FileToSend] | None = None,
        reply_to: str | None = None,
        expires_in: float | None = None,
        idempotency_key: str | None = None,
        title: str | None = None,
        priority: Priority | None = None,
        tags: Sequence[str] | None = None,
        mentions: Sequence[str] | None = None,
        markdown: bool | None = None,
        send_at: str | None = None,
        answers: str | None = None,
        expect_reply: bool | None = None,
        responses: int | None = None,
        wait: Wait | None = None,
        timeout: float | None = None,
    ) -> Delivery:
        """Hand a message to the outbox and wait until it is `wait` (at first: queued).

        Give `to` (an identity), `channel` or `answers` (a request), and `text`, `data` with
        `media_type`, or `files` (absolute paths, or drafts). With `expect_reply`, wait for
        `responses` answers instead. Without an
        `idempotency_key`, repeating a call whose answer was lost may send twice.
        """

    @method("message.react")
    def react(
        self,
        message: str,
        emoji: str,
        *,
        withdraw: bool | None = None,
        author: str | None = None,
    ) -> Message:
        """Put a sign to a message, or take it back."""

    @method("message.edit")
    def edit(self, message: str, text: str) -> Message:
        """Replace the text of a message of one's own."""

    @method("message.delete")
    def delete(self, message: str, *, author: str | None = None) -> Message:
        """Delete a message of one's own, or, as an admin of the channel, anybody's."""

    @method("message.search")
    def search(
        self,
        query: str,
        *,
        channel: str | None = None,
        sender: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        page: str | None = None,
    ) -> Found:
        """Find messages by their words, the newest first: `word "two words" begin* -without`."""

    @method("message.export")
    def message_export(self, channel: str, *, page: str | None = None) -> Messages:
        """Return all messages of a channel, page by page, the oldest first."""

    @method("message.import")
    def message_import(self, channel: str, messages: Sequence[dict[str, Any]]) -> ImportedCount:
        """Store messages that were exported; they are shown as imported, never as verified."""

    @method("message.retention")
    def retention(
        self,
        channel: str,
        *,
        max_age: float | None = None,
        max_count: int | None = None,
        forever: bool | None = None,
    ) -> Kept:
        """Set what this daemon keeps of a channel, or show it."""

    @method("message.cancel")
    def cancel(self, message: str) -> Delivery:
        """Take a message back that has not left."""

    @method("message.status")
    def message_status(self, message: str) -> Delivery:
        """Tell how far a sent message has come."""

    @method("message.list")
    def message_list(
        self,
        channel: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        page: str | None = None,
        since: str | None = None,
        until: str | None = None,
        sender: str | None = None,
        thread: str | None = None,
    ) -> Messages:
        """List messages of a channel in ascending order: between two cursors, or from a page's.

        `since`, `until`, `sender` and `thread` narrow it.
        """

    @method("message.show")
    def message_show(self, message: str) -> Message:
        """Show one message."""

    @method("message.mark_read")
    def mark_read(self, channel: str, *, up_to: str | None = None) -> Marked:
        """Tell the others that everything in a channel has been read, or up to a message."""
