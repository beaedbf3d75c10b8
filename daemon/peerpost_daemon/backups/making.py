"""Make a backup's records of the vault; messages page by page, so that a large vault is never in memory whole."""

from collections.abc import Iterator

import msgspec

from peerpost_daemon.backups import rows
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import backup, channels, contacts, messages, policies
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.records.contacts import Contact
from peerpost_daemon.records.messages import StoredMessage
from peerpost_daemon.trust import Trust
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol import limits
from peerpost_protocol.backup import (
    BackupRecord,
    ChainRecord,
    ChannelRecord,
    ContactCardRecord,
    ContactRecord,
    DeviceRecord,
    Manifest,
    MessageRecord,
    RosterEventRecord,
)
from peerpost_protocol.frames import decode_signed

MESSAGES_A_PAGE = 500
_encode = msgspec.msgpack.Encoder().encode
_missing = msgspec.msgpack.Decoder(tuple[int, ...])


def state_of(
    db: SqlConnection, version: int, now_ms: int, relay: str | None, *, with_messages: bool
) -> list[BackupRecord]:
    """Return everything but the messages, as it is at one moment."""
    records: list[BackupRecord] = [
        _manifest(db, version, now_ms, relay, with_messages=with_messages)
    ]
    records += [_contact(contact) for contact in contacts.everyone(db)]
    for channel in channels.everything(db):
        if channel.state is not channels.ChannelState.PENDING:
            records.append(_channel(db, channel))
            records += _events(db, channel.id)
            records += _chains(db, channel.id)
    records += rows.state_of(db, with_messages=with_messages)
    return records


def newest_message(db: SqlConnection) -> int:
    """Return the cursor of the newest message, 0 when there is none."""
    (newest,) = db.execute("SELECT max(cursor) FROM message").fetchone()
    return int(newest or 0)


def messages_of(db: SqlConnection, after: int, until: int) -> tuple[list[BackupRecord], int]:
    """Return a page of messages after a cursor, and the cursor of its last one (`until` at the end)."""
    found = messages.between(db, after, until, MESSAGES_A_PAGE)
    records: list[BackupRecord] = [
        MessageRecord(one.message.id, one.message.channel, _fields(one)) for one in found
    ]
    last = found[-1].cursor if len(found) == MESSAGES_A_PAGE else until
    records += rows.of_messages(db, after + 1, last)
    return records, last


def _fields(stored: StoredMessage) -> bytes:
    return _encode({**msgspec.structs.asdict(stored.message), "cursor": stored.cursor})


def _manifest(
    db: SqlConnection, version: int, now_ms: int, relay: str | None, *, with_messages: bool
) -> Manifest:
    account = accounts.find(db)
    assert account is not None  # the caller has looked
    seed, private = db.execute("SELECT signing_seed, encryption_private FROM account").fetchone()
    holder = backup.holder(db)
    device = DeviceRecord(account.card.signed, account.card.body.device, seed, private)
    return Manifest(
        account.identity,
        version,
        now_ms,
        holder.number if holder else 0,
        device,
        account.relay or relay,
        account.relay_key,
        account.epoch,
        with_messages,
    )


def _contact(contact: Contact) -> ContactRecord:
    cards = sorted(contact.cards, key=lambda card: card.trust is not Trust.PINNED)
    kept = cards[: limits.MAX_BACKUP_CONTACT_CARDS]
    return ContactRecord(
        contact.identity,
        contact.state.value,
        contact.first_seen_ms,
        contact.alias,
        contact.policy.value if contact.policy else None,
        tuple(ContactCardRecord(c.card.signed, c.trust.value, c.first_seen_ms) for c in kept),
    )


def _channel(db: SqlConnection, channel: Channel) -> ChannelRecord:
    own, sent = channel.own, channel.sent
    policy = policies.of_channel(db, channel.id)
    return ChannelRecord(
        channel.id,
        channel.peer,
        channel.state.value,
        _encode(channel.roster),
        policy.value if policy else None,
        channel.created_at_ms,
        channel.joined_late,
        channel.cursor,
        own.sequence if own else 0,
        own.id if own else None,
        sent.sequence if sent else 0,
        sent.id if sent else None,
    )


def _events(db: SqlConnection, channel: bytes) -> Iterator[RosterEventRecord]:
    rows = db.execute(
        "SELECT position, id, signed FROM roster_event WHERE channel = ? ORDER BY position",
        (channel,),
    )
    for position, id_, signed in rows:
        yield RosterEventRecord(channel, position, id_, decode_signed(signed))


def _chains(db: SqlConnection, channel: bytes) -> Iterator[ChainRecord]:
    rows = db.execute(
        "SELECT sender, sequence, id, missing FROM chain WHERE channel = ? ORDER BY sender",
        (channel,),
    )
    for sender, sequence, id_, missing in rows:
        newest = _missing.decode(missing)[-limits.MAX_BACKUP_MISSING :]
        yield ChainRecord(channel, sender, sequence, id_, newest)
