"""Somebody wants the history that alice hands to her new phone.

A thief's device says it is alice's too and waits for an approval; another member writes what looks like a page, to put
words into others' mouths. The thief is sealed for by nobody and shown nothing; what the member wrote is data like any
other, from the member.
"""

import os
from pathlib import Path

import msgspec

from peerpost_daemon.inheritance import CHANNEL_NAME
from peerpost_daemon.link_code import code_of
from peerpost_daemon.records import channels, inheritance, messages, outbox
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import HISTORY_PAGE, Data
from peerpost_protocol.envelope import seal
from peerpost_protocol.frames import Accepted
from tests.attacks.scene import ALICE, MALLORY, Scene, fresh_id, scene
from tests.support.accounts import RunningAccount, account


def _wraps(db: SqlConnection) -> list[set[bytes]]:
    """Return for whom each page was sealed."""
    rows = db.execute("SELECT message FROM outbox WHERE subject = message").fetchall()
    found = [outbox.find(db, id_) for (id_,) in rows]
    return [set(row.recipients) for row in found if row is not None]


def _has_come(db: SqlConnection) -> bool:
    """Say whether the stream has brought the page: it follows the event that began its channel."""
    found = [one for one in channels.everything(db) if one.roster.name == CHANNEL_NAME]
    return any(one.cursor > 1 for one in found)


async def _further(set_: Scene, name: str) -> RunningAccount:
    """Begin a further device of alice's identity, which waits for its approval and wants the history."""
    device = await set_.stack.enter_async_context(
        account(set_.folder / name, ALICE, set_.relay.url, endorser=set_.alice.card.id)
    )
    await device.database.write(inheritance.expect)
    await device.online()
    return device


async def _handed_on(set_: Scene, phone: RunningAccount) -> None:
    await set_.alice.engine.devices.approve(code_of(phone.card.id))
    await set_.alice.engine.judge(lambda _db: None)
    await set_.alice.engine.inheritance.begin()
    await phone.told("daemon", change="history_received")


async def test_a_device_that_waits_gets_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as set_:
        await set_.bob.send(set_.channel, "for alice's eyes")
        await set_.alice.shows(set_.channel, "for alice's eyes")
        phone, thief = await _further(set_, "phone"), await _further(set_, "thief")
        await _handed_on(set_, phone)
        assert await phone.texts(set_.channel) == ["for alice's eyes"]
        assert await set_.alice.read(_wraps) == [{set_.alice.card.id, phone.card.id}]
        assert await thief.read(messages.count) == 0
        assert await thief.read(channels.everything) == []


async def test_a_device_that_did_not_ask_takes_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as set_:
        await set_.bob.send(set_.channel, "before")
        await set_.alice.shows(set_.channel, "before")
        asked, silent = await _further(set_, "asked"), await _further(set_, "silent")
        await silent.database.write(lambda db: db.execute("DELETE FROM heir"))
        await set_.alice.engine.devices.approve(code_of(silent.card.id))
        await _handed_on(set_, asked)
        await silent.until(_has_come)
        assert await silent.read(messages.count) == 0


async def test_a_page_of_another_member_is_data_of_that_member(tmp_path: Path) -> None:
    async with scene(tmp_path) as set_:
        await set_.bob.database.write(inheritance.expect)
        said = [{"id": fresh_id(), "channel": set_.channel, "identity": ALICE, "body": b"I owe"}]
        page = Data(HISTORY_PAGE, msgspec.msgpack.encode(said))
        mallory, cards = set_.mallory, [set_.mallory.card, set_.alice.card, set_.bob.card]
        place = mallory.place(set_.roster)
        sealed, id_ = seal(mallory.keys, mallory.card, cards, place, page, random_bytes=os.urandom)
        mallory.chains[set_.channel] = (place.sequence, id_)
        assert isinstance(await set_.client.publish(sealed), Accepted)
        shown = await set_.bob.until(lambda db: messages.between(db, 0, 2**40, 10))
        assert [(one.message.identity, one.message.body) for one in shown] == [(MALLORY, page.data)]
