"""What a user expects to find again after a restoration, beyond contacts, channels and messages."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from peerpost_daemon.backups import rows
from peerpost_daemon.records import account as accounts
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.backup import RowRecord
from peerpost_protocol.wire import encode
from tests.daemon.methods.house import ALICE, BOB, House, house, message_by
from tests.support.identities import successor
from tests.support.people import NOW_MS

PASSPHRASE = "a passphrase of a backup"
EARLIER = successor(ALICE)
LATER, LATER_MS = "2030-01-01T00:00:00Z", 1893456000000
SAME = (
    "SELECT * FROM own_card",
    "SELECT * FROM card_history",
    "SELECT * FROM listed_fingerprint",
    "SELECT direct, groups FROM consent",
    "SELECT * FROM retention",
    "SELECT id, alias, inviter, unasked, posts, expire_ms, tail, receipt_due FROM channel",
    "SELECT * FROM read_mark",
    "SELECT * FROM mark",
    "SELECT * FROM quarantine",
    "SELECT count, bytes FROM tally WHERE name = 'quarantine'",
    "SELECT * FROM reaction",
    "SELECT cursor, id, body, edited_at_ms, edit_position, outcome FROM message",
    "SELECT * FROM consumer WHERE name = 'bot'",
    "SELECT * FROM held",
)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def old(tmp_path: Path, stack: AsyncExitStack) -> House:
    made = await stack.enter_async_context(house(tmp_path / "old"))
    await made.open()
    await made.met(BOB)
    channel = await made.channel(BOB)
    await made.arrived(message_by(BOB, channel, "hello"))
    await made.arrived(message_by(BOB, channel, "again"))
    await made.daemon.write(lambda db: _used(db, channel))
    return made


@pytest.fixture
async def new(tmp_path: Path, stack: AsyncExitStack) -> House:
    made = await stack.enter_async_context(house(tmp_path / "new"))
    await made.open(account=False)
    return made


def _used(db: SqlConnection, channel: bytes) -> None:
    """Be a vault that has been used for a while."""
    for statement, values in (
        (
            "INSERT INTO own_card VALUES (?, ?, ?, ?)",
            (EARLIER.card.id, encode(EARLIER.card.signed), bytes(32), NOW_MS),
        ),
        ("INSERT INTO card_history VALUES (?, 1, ?, ?)", (BOB.identity, bytes(32), b"x")),
        ("INSERT INTO listed_fingerprint VALUES (?, ?)", (BOB.identity, bytes(20))),
        ("UPDATE consent SET direct = 'nobody', groups = 'contacts'", ()),
        ("INSERT INTO retention VALUES (?, 5000, 7)", (channel,)),
        (
            "UPDATE channel SET alias = 'o', inviter = ?, expire_ms = 9, tail = x'01'",
            (BOB.identity,),
        ),
        ("UPDATE channel SET receipt_due = 3", ()),
        ("INSERT INTO read_mark VALUES (?, ?, 2, 3)", (channel, BOB.identity)),
        ("INSERT INTO mark VALUES (?, ?, 1, x'90', x'')", (channel, BOB.card.id)),
        (
            "INSERT INTO quarantine VALUES (4, ?, 5, 6, 'unknown_card', ?, x'0102')",
            (channel, BOB.card.id),
        ),
        ("DELETE FROM message WHERE cursor = 1", ()),
        ("UPDATE message SET edited_at_ms = 8, edit_position = 9 WHERE cursor = 2", ()),
        ("INSERT INTO reaction VALUES (2, ?, '+1', 4)", (BOB.identity,)),
        ("INSERT INTO consumer (name, acknowledged, created_at_ms) VALUES ('bot', 1, 2)", ()),
        ("INSERT INTO held VALUES ('bot', 1, 'waiting', 1, 0, 10, NULL)", ()),
    ):
        db.execute(statement, values)


async def moved(old: House, new: House, folder: Path, **params: object) -> None:
    file = str(folder / "alice.backup")
    await old.result("account.backup", passphrase=PASSPHRASE, file=file, **params)
    await new.result("account.restore", passphrase=PASSPHRASE, file=file)


async def content(made: House, query: str) -> list[tuple[object, ...]]:
    return await made.daemon.read(lambda db: db.execute(query).fetchall())


async def test_a_vault_that_was_used_is_found_again(old: House, new: House, tmp_path: Path) -> None:
    await moved(old, new, tmp_path)
    for query in SAME:
        before = await content(old, query)
        assert before, query
        assert await content(new, query) == before, query


async def test_what_was_sealed_for_an_earlier_card_can_be_read(
    old: House, new: House, tmp_path: Path
) -> None:
    await moved(old, new, tmp_path, messages=False)
    account = await new.daemon.read(accounts.find)
    assert account is not None
    assert [one.card.id for one in account.earlier] == [EARLIER.card.id]


async def test_a_consumer_gets_what_it_was_not_done_with_and_what_is_new(
    old: House, new: House, tmp_path: Path
) -> None:
    await old.daemon.write(lambda db: db.execute("DELETE FROM held").rowcount)
    await moved(old, new, tmp_path)
    await new.result("event.subscribe", consumer="bot", kinds=["message"])
    event = await new.event()
    assert (event["kind"], event["data"]["text"]) == ("message", "again")
    await new.result("event.ack", consumer="bot", cursor=event["cursor"])
    (channel,) = await content(new, "SELECT id FROM channel")
    await new.arrived(message_by(BOB, bytes(channel[0]), "new"))  # type: ignore[call-overload]
    newer = await new.event()
    assert newer["data"]["text"] == "new"
    assert newer["cursor"] > event["cursor"]


async def test_what_waits_to_be_sent_waits_again(old: House, new: House, tmp_path: Path) -> None:
    later = await old.result("message.send", channel="ops", text="later", send_at=LATER)
    for text in ("queued", "sealed", "sent", "done"):
        sent = await old.result("message.send", channel="ops", text=text)
        state = "delivered" if text == "done" else text
        await old.move(sent["message"], state)
    await old.daemon.write(
        lambda db: (
            db.execute(
                "UPDATE outbox SET sequence = number, envelope = x'01', envelope_id = zeroblob(32) "
                "WHERE state IN ('sealed', 'sent')"
            ).rowcount
        )
    )
    await moved(old, new, tmp_path)
    query = "SELECT state, sequence IS NULL, envelope IS NULL, not_before_ms FROM outbox"
    assert await content(new, query) == [
        ("queued", 1, 1, LATER_MS),
        ("queued", 1, 1, None),
        ("queued", 1, 1, None),
        ("sent", 0, 1, None),
    ]
    shown = await new.result("message.status", message=later["message"])
    assert (shown["status"], shown["send_at_ms"]) == ("queued", LATER_MS)
    assert (await content(new, "SELECT outcome FROM message WHERE body = x'646f6e65'")) == [
        ("delivered",)
    ]


async def test_a_file_can_be_fetched_again_and_one_that_was_not_uploaded_is_gone(
    old: House, new: House, tmp_path: Path
) -> None:
    add = (
        "INSERT INTO file (message, blob, key, size, sha256, name, said_name, media_type, mine, stored, state) "
        "VALUES (2, x'01', x'02', 3, x'04', 'a', 'b', 'text/plain', 0, ?, ?)"
    )
    for state in ("here", "uploading"):
        await old.daemon.write(lambda db, s=state: db.execute(add, (s, s)).rowcount)  # type: ignore[misc]
    await moved(old, new, tmp_path)
    assert await content(new, "SELECT stored, state FROM file ORDER BY number") == [
        ("here", "offered"),
        ("uploading", "gone"),
    ]


async def test_tables_and_columns_that_are_not_known_are_passed_over(new: House) -> None:
    fields = {"channel": bytes(32), "max_count": 3, "of a later version": 1}
    for table in ("retention", "later", "account"):
        record = RowRecord(table, msgspec.msgpack.encode(fields))
        await new.daemon.write(lambda db, r=record: rows.restore(db, r))  # type: ignore[misc]
    assert await content(new, "SELECT max_count FROM retention") == [(3,)]
    assert await content(new, "SELECT * FROM account") == []


async def test_every_table_is_in_a_backup_or_left_out_for_a_reason(new: House) -> None:
    found = await content(new, "SELECT name FROM sqlite_master WHERE type = 'table'")
    there = {str(name) for (name,) in found if not str(name).startswith("word")}
    assert there == rows.TABLES | set(rows.LEFT_OUT)
    assert not rows.TABLES & set(rows.LEFT_OUT)
