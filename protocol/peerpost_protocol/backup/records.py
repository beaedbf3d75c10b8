"""The records of a backup, in the order in which they stand: a manifest, then contacts, channels, rows, messages."""

from typing import Annotated

from msgspec import Meta

from peerpost_protocol import limits
from peerpost_protocol.card import DeviceName
from peerpost_protocol.identity import Identity
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import (
    Counter,
    Decoder,
    Digest,
    Key,
    MessageId,
    Milliseconds,
    WireStruct,
)

Word = Annotated[str, Meta(max_length=limits.MAX_KIND_CHARACTERS)]
Url = Annotated[str, Meta(max_length=limits.MAX_URL_CHARACTERS)]


class DeviceRecord(WireStruct, frozen=True):
    """Be a card with its private keys. A repr would show them, so there is none."""

    card: Signed
    device: DeviceName
    signing_seed: Key
    encryption_private: Key

    def __repr__(self) -> str:
        return "<DeviceRecord>"


class Manifest(WireStruct, frozen=True, tag="manifest"):
    """Say whose backup this is, which one, and where the account's relay is. Stands first, once."""

    identity: Identity
    version: Counter
    made_at_ms: Milliseconds
    holder: Counter
    device: DeviceRecord
    relay: Url | None
    relay_key: Key | None
    epoch: Annotated[bytes, Meta(min_length=16, max_length=16)] | None
    messages: bool


class ContactCardRecord(WireStruct, frozen=True):
    """Be a card of a contact with the trust it has."""

    card: Signed
    trust: Word
    first_seen_ms: Milliseconds


class ContactRecord(WireStruct, frozen=True, tag="contact"):
    """Be a contact with its cards: the pins."""

    identity: Identity
    state: Word
    first_seen_ms: Milliseconds
    alias: Annotated[str, Meta(max_length=limits.MAX_CHANNEL_NAME_CHARACTERS)] | None
    policy: Word | None
    cards: Annotated[
        tuple[ContactCardRecord, ...], Meta(max_length=limits.MAX_BACKUP_CONTACT_CARDS)
    ]


class ChannelRecord(WireStruct, frozen=True, tag="channel"):
    """Be a channel: its membership (a map, as roster.md names its parts), and where our own chain in it stands."""

    channel: Digest
    peer: Identity | None
    state: Word
    roster: Annotated[bytes, Meta(max_length=limits.MAX_BACKUP_ROSTER)]
    policy: Word | None
    created_at_ms: Milliseconds
    joined_late: bool
    cursor: Counter
    own_sequence: Counter
    own_head: Digest | None
    sent_sequence: Counter
    sent_head: Digest | None


class RosterEventRecord(WireStruct, frozen=True, tag="roster_event"):
    """Be an event of a channel's roster, as it was signed."""

    channel: Digest
    position: Counter
    id: Digest
    event: Signed


class ChainRecord(WireStruct, frozen=True, tag="chain"):
    """Be the newest envelope known of another sender."""

    channel: Digest
    sender: Digest
    sequence: Counter
    envelope: Digest
    missing: Annotated[tuple[Counter, ...], Meta(max_length=limits.MAX_BACKUP_MISSING)]


class MessageRecord(WireStruct, frozen=True, tag="message"):
    """Be a message that was stored: a map whose names backup.md lists. A reader ignores those it does not know."""

    message: MessageId
    channel: Digest | None
    fields: Annotated[bytes, Meta(max_length=limits.MAX_BACKUP_MESSAGE)]


class RowRecord(WireStruct, frozen=True, tag="row"):
    """Be a row of a table of daemons: a map of its columns. A reader passes over those that it does not know."""

    table: Word
    fields: Annotated[bytes, Meta(max_length=limits.MAX_BACKUP_MESSAGE)]


BackupRecord = (
    Manifest
    | ContactRecord
    | ChannelRecord
    | RosterEventRecord
    | ChainRecord
    | MessageRecord
    | RowRecord
)

decode_record = Decoder[BackupRecord](BackupRecord, "record", limits.MAX_BACKUP_RECORD)
