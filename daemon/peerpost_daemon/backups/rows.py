"""Rows: what a backup holds of the vault beyond contacts, channels and messages, each as its table's columns by name.

A reader takes the tables that are listed here and the columns that its own vault has; the rest it passes over. So an
older vault's rows fit a newer one, whose steps have given new columns their defaults.

What is left out on purpose:
- envelopes and their bytes: sealed and perhaps not sent, they are sealed again; how far others have read comes back
  by receipts, and what was finished is written to its message (`outcome`)
- files: the relay has them sealed for as long as it keeps them, and they can be fetched anew; what had not been
  uploaded is gone, and its message fails
- the index of words, tallies, alarms, and what depends on the machine: settings, an approval under way, file copies
- events that every consumer is done with, and of what one is behind by more than 20,000
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.backup import RowRecord

Value = None | bool | int | float | str | bytes

_ALWAYS: Final = {
    "own_card": "SELECT * FROM own_card",
    "rotation": "SELECT * FROM rotation WHERE state <> 'prepared'",
    "card_history": "SELECT * FROM card_history",
    "listed_fingerprint": "SELECT * FROM listed_fingerprint",
    "consent": "SELECT * FROM consent",
    "retention": "SELECT * FROM retention",
    "channel": "SELECT id, alias, inviter, unasked, posts, expire_ms FROM channel WHERE state <> 'pending'",
    "ahead": "SELECT * FROM ahead",
    "request": "SELECT * FROM request",
    "request_item": "SELECT * FROM request_item",
}
_WITH_MESSAGES: Final = {
    "channel": (
        "SELECT id, era, tail, receipts_cursor, receipt_due, receipt_posted FROM channel "
        "WHERE state <> 'pending'"
    ),
    "read_mark": "SELECT * FROM read_mark",
    "mark": "SELECT * FROM mark",
    "unwanted_blob": "SELECT * FROM unwanted_blob",
    "early": "SELECT * FROM early",
    "quarantine": "SELECT * FROM quarantine",
    # A sealed envelope may be at the relay: then the stream brings it, and the message waits no longer.
    "outbox": (
        "SELECT number, message, message_cursor, channel, recipient, idempotency_key, "
        "CASE WHEN uploads > 0 THEN 'failed' WHEN state = 'sent' THEN 'sent' ELSE 'queued' END AS state, "
        "CASE WHEN uploads > 0 THEN 'not_in_backup' ELSE reason END AS reason, attempts, "
        "CASE state WHEN 'sent' THEN sequence END AS sequence, "
        "CASE state WHEN 'sent' THEN envelope_id END AS envelope_id, recipients, position, queued_at_ms, "
        "sent_at_ms, delivered_at_ms, expires_at_ms, content, read_at_ms, failed_at_ms, size, subject, "
        "not_before_ms, wiped, own FROM outbox WHERE state IN ('queued', 'sealed', 'sent')"
    ),
    "sqlite_sequence": "SELECT name, seq FROM sqlite_sequence WHERE name IN ('event', 'message')",
    "consumer": "SELECT * FROM consumer",
    "held": "SELECT * FROM held",
    "event": (
        "SELECT * FROM (SELECT * FROM event WHERE cursor > (SELECT min(acknowledged) FROM consumer) "
        "OR cursor IN (SELECT cursor FROM held) ORDER BY cursor DESC LIMIT 20000) ORDER BY cursor"
    ),
}
_OF_MESSAGES: Final = {
    "reaction": "SELECT * FROM reaction WHERE message BETWEEN ? AND ?",
    "file": (
        "SELECT message, blob, key, size, sha256, name, said_name, media_type, preview, mine, stored, reason, "
        "CASE state WHEN 'uploading' THEN 'gone' WHEN 'gone' THEN 'gone' WHEN 'refused' THEN 'refused' "
        "ELSE 'offered' END AS state FROM file WHERE message BETWEEN ? AND ?"
    ),
    "message": (
        "SELECT id, card, edit_position, coalesce((SELECT state FROM outbox WHERE message_cursor = cursor "
        "AND outbox.content IS NULL AND state IN ('delivered', 'read', 'failed')), outcome) AS outcome "
        "FROM message WHERE cursor BETWEEN ? AND ? AND (edit_position > 0 OR mine)"
    ),
}
LEFT_OUT: Final = {
    "account": "the manifest",
    "contact": "a record of its own",
    "card": "with its contact; of our own identity, from its history",
    "roster_event": "a record of its own",
    "chain": "a record of its own",
    "envelope": "what was seen; messages are known by their ids",
    "own_envelope": "what was sent and is finished; it is known by its message",
    "backup": "the version stands in the manifest; the key of the relay's copy is another backup's",
    "holder": "in the manifest",
    "tally": "kept by triggers",
    "quarantine_share": "kept by triggers",
    "indexed": "the index of words is made anew",
    "alarm": "what this machine's owner was told",
    "policy_default": "settings of the machine",
    "bequest": "an approval under way",
    "heir": "an approval under way",
}
TABLES: Final = frozenset({*_ALWAYS, *_WITH_MESSAGES, *_OF_MESSAGES})
_KEYS: Final = {"message": ("id", "card"), "sqlite_sequence": ("name",)}

_encode = msgspec.msgpack.Encoder().encode
_fields = msgspec.msgpack.Decoder(dict[str, object])


def state_of(db: SqlConnection, *, with_messages: bool) -> Iterator[RowRecord]:
    """Return the rows that belong to no page of messages."""
    for table, query in _ALWAYS.items():
        yield from _dump(db, table, query)
    if with_messages:
        for table, query in _WITH_MESSAGES.items():
            yield from _dump(db, table, query)


def of_messages(db: SqlConnection, first: int, last: int) -> Iterator[RowRecord]:
    """Return the rows that belong to the messages from one cursor to another."""
    for table, query in _OF_MESSAGES.items():
        yield from _dump(db, table, query, (first, last))


def restore(db: SqlConnection, record: RowRecord) -> None:
    """Store a row; one of a table that is not listed is passed over. Raises DecodeError, ValueError."""
    fields = {name: _value(value) for name, value in _fields.decode(record.fields).items()}
    if record.table not in TABLES:
        return
    if record.table == "sqlite_sequence":
        _continue_numbers(db, fields)
        return
    columns = db.execute(f"PRAGMA table_info({record.table})").fetchall()
    there = {name: fields[name] for _, name, *_ in columns if name in fields}
    keys = _KEYS.get(record.table) or tuple(name for _, name, *_, key in columns if key)
    _put(db, record.table, there, keys)


def _value(value: object) -> Value:
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    raise ValueError("a column holds one value")


def _put(db: SqlConnection, table: str, fields: Mapping[str, Value], keys: Iterable[str]) -> None:
    """Write over the row with the same key, or add it. The names are the vault's own: they came from its schema."""
    keyed = [name for name in keys if name in fields]
    rest = [name for name in fields if name not in keyed]
    if keyed and rest:
        sets, where = ", ".join(f"{n} = ?" for n in rest), " AND ".join(f"{n} = ?" for n in keyed)
        values = [fields[name] for name in (*rest, *keyed)]
        done = db.execute(f"UPDATE OR IGNORE {table} SET {sets} WHERE {where}", values)  # noqa: S608
        if done.rowcount:
            return
    if table in ("message", "channel"):
        return  # of what is not in the backup
    names, marks = ", ".join(fields), ", ".join("?" * len(fields))
    db.execute(
        f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
        list(fields.values()),
    )


def _continue_numbers(db: SqlConnection, fields: Mapping[str, Value]) -> None:
    """Go on counting where the old vault was, so that the cursors of consumers and callers still hold."""
    name, last = fields.get("name"), fields.get("seq")
    if name not in ("event", "message") or not isinstance(last, int):
        return
    if (
        name == "event"
    ):  # what this fresh vault has told is told; what is new comes behind the old ones
        db.execute("DELETE FROM event")
        db.execute("DELETE FROM held")
        db.execute("UPDATE consumer SET acknowledged = ?", (last,))
    if not db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (last, name)).rowcount:
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, last))


def _dump(
    db: SqlConnection, table: str, query: str, values: tuple[int, ...] = ()
) -> Iterator[RowRecord]:
    cursor = db.execute(query, values)
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield RowRecord(table, _encode(dict(zip(names, row, strict=True))))
