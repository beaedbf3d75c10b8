"""The daemon's methods, declared once for both clients.

The bodies are empty because the declaration is the whole of a method; see `method`.
"""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from peerpost.method import method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from peerpost.types import (
        Account,
        Acknowledged,
        Backup,
        BackupVersion,
        Cards,
        CardShown,
        Channel,
        Channels,
        Chosen,
        Consent,
        Consented,
        Consumer,
        Consumers,
        Contact,
        Contacts,
        DeadLetters,
        Declined,
        Delivery,
        Devices,
        Diagnosis,
        Draft,
        File,
        FilePiece,
        FileToSend,
        Found,
        Health,
        ImportedCount,
        Kept,
        Least,
        Linking,
        Listed,
        Marked,
        Message,
        Messages,
        Policy,
        PolicySet,
        Priority,
        Reason,
        Refused,
        Removed,
        Requests,
        Restored,
        Role,
        SafetyNumber,
        Saved,
        Status,
        Stopping,
        StoredBackup,
        Wait,
    )


class Methods:
    """What a client can ask of the daemon; each raises PeerpostError or a subclass."""

    @method("daemon.status")
    def status(self) -> Status:
        """Tell how the daemon, its vault and its link to the relay are doing."""

    @method("daemon.health")
    def health(self) -> Health:
        """Tell what is not as it should be with the daemon, in every state."""

    @method("daemon.doctor")
    def doctor(self) -> Diagnosis:
        """Look at everything thoroughly: files, vault, disk, relay, clock, versions."""

    @method("daemon.unlock")
    def unlock(self, passphrase: str, *, create: bool = False) -> Status:
        """Unlock the vault, or with `create` make a new one."""

    @method("daemon.lock")
    def lock(self) -> Status:
        """Lock the vault and forget its keys."""

    @method("daemon.shutdown")
    def shutdown(self) -> Stopping:
        """Stop the daemon."""

    @method("account.register")
    def register(
        self,
        identity: str,
        *,
        token: str | None = None,
        device: str | None = None,
        relay: str | None = None,
        relay_key: str | None = None,
        timeout: float | None = None,
    ) -> Account:
        """Make this daemon's card and publish it; `pending` when the relay is out of reach."""

    @method("account.show")
    def account_show(self) -> Account:
        """Show this daemon's identity and card."""

    @method("account.backup")
    def backup(
        self, passphrase: str, *, file: str | None = None, messages: bool | None = None
    ) -> Backup:
        """Seal keys, contacts, channels and messages under a passphrase, for a file or the relay."""

    @method("account.backup_show")
    def backup_show(self) -> StoredBackup:
        """Show what backup the relay keeps, and who was given it."""

    @method("account.backup_passphrase")
    def backup_passphrase(self, passphrase: str) -> BackupVersion:
        """Put the relay's backup under another passphrase; the bulk is not sent again."""

    @method("account.backup_destroy")
    def backup_destroy(self) -> BackupVersion:
        """Destroy the relay's backup for good."""

    @method("account.restore")
    def restore(
        self, passphrase: str, *, file: str | None = None, relay: str | None = None
    ) -> Restored:
        """Be the account of a backup again, in an empty vault."""

    @method("account.link")
    def account_link(
        self,
        identity: str,
        *,
        token: str | None = None,
        device: str | None = None,
        relay: str | None = None,
        relay_key: str | None = None,
        timeout: float | None = None,
        with_history: bool | None = None,
    ) -> Linking:
        """Make this daemon a further device of an identity, for another device to approve."""

    @method("account.prove")
    def account_prove(self, *, code: str | None = None, timeout: float | None = None) -> Account:
        """Prove this account's identity: without a code have one mailed, with it become verified."""

    @method("account.devices")
    def account_devices(self) -> Devices:
        """List the devices of this account's identity."""

    @method("account.approve")
    def account_approve(self, code: str, *, with_history: bool | None = None) -> Devices:
        """Let the device take part that shows this code."""

    @method("account.rotate")
    def account_rotate(self, *, timeout: float | None = None) -> Account:
        """Replace this device's card by a successor with fresh keys."""

    @method("card.show")
    def card_show(self, *, card: str | None = None) -> CardShown:
        """Show a card by its id, this daemon's own if none is given."""

    @method("card.endorse")
    def card_endorse(self, card: str) -> CardShown:
        """Vouch for another card of this account's identity."""

    @method("card.revoke")
    def card_revoke(self, card: str, *, reason: Reason | None = None) -> CardShown:
        """End a card of this account's identity for good."""

    @method("card.search")
    def card_search(self, identity: str) -> Cards:
        """Search the relay's directory for the live cards of an identity."""

    @method("contact.list")
    def contact_list(self) -> Contacts:
        """List the identities this daemon knows."""

    @method("contact.show")
    def contact_show(self, identity: str) -> Contact:
        """Show one identity and its cards."""

    @method("contact.accept")
    def contact_accept(self, identity: str, *, card: str | None = None) -> Contact:
        """Trust the offered cards of an identity, or only one of them."""

    @method("contact.safety_number")
    def contact_safety_number(self, identity: str) -> SafetyNumber:
        """Return the number to compare with a contact over another way."""

    @method("contact.verify")
    def contact_verify(self, identity: str, safety_number: str) -> Contact:
        """Mark a contact as verified if the number is the one seen here."""

    @method("contact.block")
    def contact_block(self, identity: str) -> Contact:
        """Send nothing more to a contact and show nothing more of it."""

    @method("contact.unblock")
    def contact_unblock(self, identity: str) -> Contact:
        """Take a blocked contact as it was met."""

    @method("contact.name")
    def contact_name(self, identity: str, *, alias: str | None = None) -> Contact:
        """Give a contact another name here, or take it."""

    @method("contact.policy")
    def contact_policy(
        self,
        *,
        identity: str | None = None,
        channel: str | None = None,
        policy: Policy | None = None,
    ) -> PolicySet:
        """Set what is believed of a contact, or in a channel; None: what the default says."""

    @method("contact.known")
    def contact_known(self, fingerprints: str) -> Listed:
        """Verify contacts by a list of fingerprints, an identity and a fingerprint a line."""

    @method("channel.create")
    def channel_create(self, name: str, members: Sequence[str]) -> Channel:
        """Create a channel; the caller is its owner and always a member."""

    @method("channel.list")
    def channel_list(self) -> Channels:
        """List the channels this daemon is or was a member of."""

    @method("channel.show")
    def channel_show(self, channel: str) -> Channel:
        """Show one channel and its members."""

    @method("channel.add")
    def channel_add(
        self, channel: str, members: Sequence[str], *, role: Role | None = None
    ) -> Channel:
        """Add members to a channel, as `member` unless `role` says otherwise."""

    @method("channel.remove")
    def channel_remove(self, channel: str, members: Sequence[str]) -> Channel:
        """Remove members from a channel."""

    @method("channel.leave")
    def channel_leave(self, channel: str) -> Channel:
        """Leave a channel."""

    @method("channel.role")
    def channel_role(self, channel: str, identity: str, role: Role) -> Channel:
        """Give a member another role; the owner gives the ownership away so."""

    @method("channel.rename")
    def channel_rename(self, channel: str, name: str) -> Channel:
        """Give a channel another name, for all of its members."""

    @method("channel.topic")
    def channel_topic(self, channel: str, topic: str) -> Channel:
        """Say what a channel is about."""

    @method("channel.policy")
    def channel_policy(
        self,
        channel: str,
        *,
        post: Least | None = None,
        add: Least | None = None,
        expire_after: float | None = None,
    ) -> Channel:
        """Say who may post and add, and for how many seconds messages are kept (0: for good)."""

    @method("channel.ban")
    def channel_ban(self, channel: str, identities: Sequence[str]) -> Channel:
        """Remove those who are members, and let nobody add any of them."""

    @method("channel.unban")
    def channel_unban(self, channel: str, identities: Sequence[str]) -> Channel:
        """Lift bans; nobody is a member by that alone."""

    @method("channel.requests")
    def channel_requests(self) -> Requests:
        """List the channels that others have added this daemon to and nobody here has accepted."""

    @method("channel.accept")
    def channel_accept(self, channel: str) -> Channel:
        """Take a channel that was a request, with what waited in it."""

    @method("channel.decline")
    def channel_decline(self, channel: str, *, block: bool = False) -> Declined:
        """Decline a request and leave its channel; with `block`, block its inviter."""

    @method("channel.consent")
    def channel_consent(
        self, *, direct: Consent | None = None, groups: Consent | None = None
    ) -> Consented:
        """Say who may add this daemon unasked, or only tell."""

    @method("channel.alias")
    def channel_alias(self, channel: str, alias: str | None = None) -> Channel:
        """Call a channel by another name here; without `alias` by its own again."""

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

    @method("file.begin")
    def file_begin(self, name: str, *, media_type: str | None = None) -> Draft:
        """Begin to hand over a file that a message will have; it goes with the connection."""

    @method("file.write")
    def file_write(self, draft: int, offset: int, data: bytes) -> Draft:
        """Hand over the next bytes of a draft, which has `offset` of them."""

    @method("file.show")
    def file_show(self, file: int) -> File:
        """Show a file, and how far it has come."""

    @method("file.fetch")
    def file_fetch(self, file: int, *, timeout: float | None = None) -> File:
        """Fetch a file from the relay, and wait until it is here."""

    @method("file.read")
    def file_read(self, file: int, offset: int, *, length: int | None = None) -> FilePiece:
        """Return bytes of a file that is here."""

    @method("file.save")
    def file_save(self, file: int, path: str, *, overwrite: bool = False) -> Saved:
        """Let the daemon write a file; for its own user."""

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

    @method("consumer.list")
    def consumer_list(self) -> Consumers:
        """List the named readers of events."""

    @method("consumer.show")
    def consumer_show(self, consumer: str) -> Consumer:
        """Show one consumer."""

    @method("consumer.remove")
    def consumer_remove(self, consumer: str) -> Removed:
        """Forget a consumer and its cursor."""

    @method("event.ack")
    def event_ack(self, consumer: str, cursor: int) -> Acknowledged:
        """Acknowledge all events up to a cursor for a named consumer; a queue only this one."""

    @method("event.nack")
    def event_nack(self, consumer: str, cursor: int, *, delay: float | None = None) -> Refused:
        """Give an event of a queue back, to come again after `delay` seconds."""

    @method("event.dead_letters")
    def dead_letters(
        self, consumer: str, *, after: int | None = None, limit: int | None = None
    ) -> DeadLetters:
        """List the events of a queue that were delivered as often as allowed."""

    @method("event.requeue")
    def requeue(self, consumer: str, cursor: int | None = None) -> Chosen:
        """Deliver a dead letter again, or all of them."""

    @method("event.discard")
    def discard(self, consumer: str, cursor: int | None = None) -> Chosen:
        """Be done with a dead letter, or with all of them."""

    @method("rpc.discover")
    def discover(self) -> dict[str, Any]:
        """Return the daemon's OpenRPC document."""
