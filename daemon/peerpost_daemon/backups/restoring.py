"""Make a vault of a backup's records, in one transaction: all of it, or nothing.

The records are authenticated by the backup's key, so what they say was in a vault of ours. What can hurt is what has
happened since:

 1. our chains may have gone on. Nothing is sealed in a channel before the relay has shown where ours stands there and
    the stream has brought what the backup lacks (docs/decisions/0006)
 2. another vault may hold the same card: the old device, or one restored from the same backup. The card gets the next
    holder number, and the relay lets only the newest holder go on (docs/decisions/0008)
 3. what is pinned, verified or blocked stays so
"""

from collections.abc import Iterable
from typing import assert_never

import msgspec
from msgspec import Struct

from peerpost_daemon import event_data
from peerpost_daemon.backups import rows
from peerpost_daemon.backups.errors import bad_backup
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import backup, channels, events, messages, policies
from peerpost_daemon.records.backup import Holder
from peerpost_daemon.records.channels import Channel, ChannelState
from peerpost_daemon.records.messages import Message
from peerpost_daemon.trust import ContactState, Policy, Trust
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.backup import (
    BackupRecord,
    ChainRecord,
    ChannelRecord,
    ContactRecord,
    Manifest,
    MessageRecord,
    RosterEventRecord,
    RowRecord,
)
from peerpost_protocol.card import DeviceKeys, open_card
from peerpost_protocol.chain import Link
from peerpost_protocol.roster import Roster
from peerpost_protocol.wire import encode


class Place(Struct, frozen=True):
    """Be the cursor that a message had, if its backup says so."""

    cursor: int | None = None


_roster = msgspec.msgpack.Decoder(Roster)
_message = msgspec.msgpack.Decoder(Message)
_place = msgspec.msgpack.Decoder(Place)
_encode = msgspec.msgpack.Encoder().encode


class Restored(Struct, frozen=True):
    """Say what was restored."""

    manifest: Manifest
    contacts: int
    channels: int
    messages: int


class Wanted(Struct, frozen=True):
    """Say what is to be made of a backup. `mark`: 16 fresh random bytes; `version`: what the relay has named."""

    mark: bytes
    now_ms: int
    relay: str | None = None
    version: int | None = None


def require_empty(db: SqlConnection, identity: str | None = None) -> None:
    """Refuse a vault that has more than a fresh account, or another identity's. Raises DaemonError account_exists."""
    account = accounts.find(db)
    # A fresh account may have met its own identity's cards; they stay.
    used = any(
        db.execute(query).fetchone()
        for query in (
            "SELECT 1 FROM channel LIMIT 1",
            "SELECT 1 FROM message LIMIT 1",
            "SELECT 1 FROM contact WHERE identity NOT IN (SELECT identity FROM account) LIMIT 1",
        )
    )
    other = account is not None and identity is not None and account.identity != identity
    if used or other:
        message = "Restore into an empty vault: this one holds an account of its own."
        raise DaemonError("account_exists", message)


def restore(db: SqlConnection, records: Iterable[BackupRecord], wanted: Wanted) -> Restored:
    """Store what a backup holds. Raises DaemonError bad_backup, account_exists, and what `records` raises."""
    incoming = iter(records)
    manifest = next(incoming, None)
    if not isinstance(manifest, Manifest):
        raise bad_backup("The backup does not begin with its manifest.")
    _account(db, manifest, wanted)
    counts = {ContactRecord: 0, ChannelRecord: 0, MessageRecord: 0}
    for record in incoming:
        _checked(db, record, with_messages=manifest.messages)
        if type(record) in counts:
            counts[type(record)] += 1
    detail = f"version {manifest.version}, made at {manifest.made_at_ms}"
    events.add(
        db, event_data.DAEMON, wanted.now_ms, event_data.DaemonData("account_restored", detail)
    )
    return Restored(manifest, counts[ContactRecord], counts[ChannelRecord], counts[MessageRecord])


def _checked(db: SqlConnection, record: BackupRecord, *, with_messages: bool) -> None:
    try:
        _store(db, record, with_messages=with_messages)
    except (msgspec.DecodeError, ValueError) as error:
        raise bad_backup(f"A record cannot be read: {type(error).__name__}.") from None


def _store(db: SqlConnection, record: BackupRecord, *, with_messages: bool) -> None:
    match record:
        case ContactRecord():
            _contact(db, record)
        case ChannelRecord():
            _channel(db, record, with_messages=with_messages)
        case RosterEventRecord():
            _roster_event(db, record)
        case ChainRecord():
            # Without the messages everything is read again, and the chains begin anew.
            if with_messages:
                _chain(db, record)
        case MessageRecord():
            _restore_message(db, record)
        case RowRecord():
            rows.restore(db, record)
        case Manifest():
            raise bad_backup("The backup has two manifests.")
        case _:
            assert_never(record)


def _restore_message(db: SqlConnection, record: MessageRecord) -> None:
    cursor = _place.decode(record.fields).cursor
    messages.restore(db, _message.decode(record.fields), cursor)


def _account(db: SqlConnection, manifest: Manifest, wanted: Wanted) -> None:
    device = manifest.device
    card = open_card(device.card)
    keys = DeviceKeys(device.signing_seed, device.encryption_private)
    made_of = (keys.signing.public, keys.encryption_public, manifest.identity)
    if made_of != (card.body.signing_key, card.body.encryption_key, card.identity):
        raise bad_backup("The backup's keys are not those of its card.")
    if wanted.version is not None and wanted.version != manifest.version:
        message = f"The relay named version {wanted.version}; the backup is {manifest.version}."
        raise bad_backup(message)
    require_empty(db, manifest.identity)
    db.execute("DELETE FROM account")
    accounts.create(db, card, device.signing_seed, device.encryption_private)
    accounts.aim(db, wanted.relay or manifest.relay, None)
    accounts.known_relay(db, manifest.relay_key, manifest.epoch)
    backup.set_holder(db, Holder(manifest.holder + 1, wanted.mark))
    backup.known(db, manifest.version)


def _contact(db: SqlConnection, record: ContactRecord) -> None:
    policy = Policy(record.policy).value if record.policy else None
    state = ContactState(record.state).value
    db.execute(
        "INSERT INTO contact (identity, state, first_seen_ms, alias, policy) "
        "VALUES (?, ?, ?, ?, ?)",
        (record.identity, state, record.first_seen_ms, record.alias, policy),
    )
    for one in record.cards:
        card = open_card(one.card)
        db.execute(
            "INSERT INTO card (id, identity, signed, trust, first_seen_ms) VALUES (?, ?, ?, ?, ?)",
            (card.id, card.identity, encode(one.card), Trust(one.trust).value, one.first_seen_ms),
        )


def _channel(db: SqlConnection, record: ChannelRecord, *, with_messages: bool) -> None:
    channel = Channel(
        record.channel,
        record.peer,
        ChannelState(record.state),
        _roster.decode(record.roster),
        record.created_at_ms,
        # Without the messages everything is read again; what has expired by then is no fault of the senders.
        joined_late=record.joined_late or not with_messages,
        cursor=0,
        own=None,
        sent=None,
    )
    channels.create(db, channel)
    if record.policy is not None:
        policies.set_channel(db, channel.id, Policy(record.policy))
    own = _link(record.own_sequence, record.own_head)
    channels.set_own(db, channel.id, own)
    if own is not None:
        # What was sealed and perhaps not sent is gone. As if sent, its sequence is left out rather than used again.
        channels.set_sent(db, channel.id, own)
    if with_messages:
        channels.advance(db, channel.id, record.cursor)


def _roster_event(db: SqlConnection, record: RosterEventRecord) -> None:
    db.execute(
        "INSERT INTO roster_event (channel, position, id, signed) VALUES (?, ?, ?, ?)",
        (record.channel, record.position, record.id, encode(record.event)),
    )


def _chain(db: SqlConnection, record: ChainRecord) -> None:
    missing = _encode(record.missing)
    db.execute(
        "INSERT INTO chain (channel, sender, sequence, id, missing) VALUES (?, ?, ?, ?, ?)",
        (record.channel, record.sender, record.sequence, record.envelope, missing),
    )


def _link(sequence: int, head: bytes | None) -> Link | None:
    return Link(sequence, head) if head is not None and sequence else None
