"""What events bring, by kind, as it stands in the vault and goes to the subscribers.

    kind             data
    message          the message itself (`views.MessageView`), made from the vault when it is read
    message.changed  what changed (`ChangeData`) with the message as it is then (`views.MessageChanged`)
    message.status   MessageStatusData
    contact.changed  ContactChangedData
    channel          ChannelData
    quarantine       QuarantineData
    link             LinkData
    receipt          ReceiptData
    file             FileData
    daemon           DaemonData
    backup           BackupData

Ids are written as they are everywhere in the public interface: messages as UUIDs, channels and cards as 64 hexadecimal
digits.
"""

from typing import Final

from msgspec import Struct

from peerpost_daemon.ids import message_text
from peerpost_daemon.records.outgoing import Outgoing

MESSAGE: Final = "message"
MESSAGE_CHANGED: Final = "message.changed"
MESSAGE_STATUS: Final = "message.status"
CONTACT_CHANGED: Final = "contact.changed"
CHANNEL: Final = "channel"
QUARANTINE: Final = "quarantine"
LINK: Final = "link"
RECEIPT: Final = "receipt"
FILE: Final = "file"
DAEMON: Final = "daemon"
BACKUP: Final = "backup"


class ChangeData(Struct, frozen=True):
    """Say what somebody did to a message; what it says now stands in the message alone."""

    change: str  # edited, deleted, reacted, withdrawn
    by: str
    emoji: str | None = None


class MessageStatusData(Struct, frozen=True):
    """Say how far a message of this account has come."""

    message: str
    channel: str | None
    to: str | None
    status: str  # queued, sent, delivered, read, failed
    reason: str | None
    sequence: int | None
    position: int | None
    queued_at_ms: int
    sent_at_ms: int | None
    delivered_at_ms: int | None
    read_at_ms: int | None


class ContactChangedData(Struct, frozen=True):
    """Say that an identity has shown another card, or was judged here; `state`: where it stands then."""

    identity: str
    card: str | None
    reason: str  # another_card, endorsed_card, revoked_card; accepted, verified, blocked, unblocked, named
    state: str


class ChannelData(Struct, frozen=True):
    """Say what happened to a channel: `change` is by `by` and concerns `members`.

    `detail`: the new role or topic, or the former name.
    """

    channel: str
    name: str
    change: str
    by: str
    members: list[str]
    detail: str | None = None


class QuarantineData(Struct, frozen=True):
    """Say what was not taken, and why; null is what could not be believed or read."""

    reason: str
    channel: str
    from_card: str | None
    message: str | None
    sequence: int | None
    position: int | None
    detail: str


class LinkData(Struct, frozen=True):
    """Say how the link to the relay is doing."""

    state: str  # off, connecting, online, waiting
    detail: str | None


class ReceiptData(Struct, frozen=True):
    """Say that a card has all of this account's messages up to a sequence."""

    channel: str
    card: str
    identity: str
    sequence: int


class FileData(Struct, frozen=True):
    """Say how far a file has come: `done` of its `size` bytes, and its state then."""

    file: int
    message: str
    channel: str
    name: str
    size: int
    done: int
    state: str  # uploading, fetching, here, refused, gone
    reason: str | None


class DaemonData(Struct, frozen=True):
    """Say what happened to the daemon itself."""

    change: str
    detail: str | None


class BackupData(Struct, frozen=True):
    """Say what happened to the account's backup at the relay; `card` is who did it, another than this daemon's."""

    change: str  # fetched, replaced
    version: int
    card: str | None
    at_ms: int


def status_word(state: str) -> str:
    """Return the public word for an outbox state: a sealed message is still a queued one."""
    return "queued" if state == "sealed" else state


def message_status(outgoing: Outgoing) -> MessageStatusData:
    """Return how far a message has come."""
    return MessageStatusData(
        message_text(outgoing.message),
        outgoing.channel.hex() if outgoing.channel else None,
        outgoing.recipient,
        status_word(outgoing.state.value),
        outgoing.reason,
        outgoing.sequence,
        outgoing.position,
        outgoing.queued_at_ms,
        outgoing.sent_at_ms,
        outgoing.delivered_at_ms,
        outgoing.read_at_ms,
    )
