"""A device of one's own, in somebody else's hands, hands on pages of a history that are out of form.

Numbers that the vault's columns cannot hold, text that is no text, bytes that are no presentation, lists in lists: any
of them would end the taking of everything, each time anew, or break every list of messages later. What is out of form
is left out, the rest of its page is taken, and what is stored can be shown.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from peerpost_daemon import views
from peerpost_daemon.inbound import inherited
from peerpost_daemon.records import inheritance, messages
from peerpost_daemon.records.messages import Message
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import HISTORY_PAGE, Data
from peerpost_protocol.limits import MAX_COUNTER, MAX_TITLE_CHARACTERS
from tests.support.people import NOW_MS, channel_of, digest, person
from tests.support.receiving import open_desk

ALICE, BOB = person("alice"), person("bob")
CHANNEL = channel_of(ALICE, BOB)
GOOD = Message(
    id=digest("good")[:16],
    channel=CHANNEL.id,
    card=BOB.card.id,
    identity=BOB.identity,
    mine=False,
    sequence=1,
    position=2,
    media_type=None,
    body=b"hello",
    reply_to=None,
    sent_at_ms=NOW_MS,
    received_at_ms=NOW_MS,
    expires_at_ms=None,
)
OUT_OF_FORM: dict[str, dict[str, Any]] = {
    "a time of 64 bits": {"sent_at_ms": 2**64 - 1},
    "a time before all times": {"received_at_ms": -1},
    "a position of 64 bits": {"position": MAX_COUNTER + 1},
    "an edit at no time": {"edited_at_ms": 2**63},
    "a text that is none": {"body": b"\xff\xfe"},
    "a media type that is none": {"media_type": "\x1b[2J"},
    "a presentation that is none": {"presentation": b"\xc1"},
    "a reply to no message": {"reply_to": b"short"},
    "a thread-long title": {"title": "t" * (MAX_TITLE_CHARACTERS + 1)},
    "a deletion by nobody": {"deleted_at_ms": 1, "deleted_by": "\u202enobody"},
    "a card that is none": {"card": b""},
    "no channel": {"channel": None},
}


def packed(*pages: Any) -> bytes:
    return msgspec.msgpack.encode(list(pages))


async def taken(folder: Path, page: bytes) -> list[str]:
    """Take a page into a vault that wants the history; return what is shown of it."""
    desk = await open_desk(folder, ALICE, BOB)
    try:
        await desk.begin(CHANNEL)
        await desk.write(inheritance.expect)
        body = Data(HISTORY_PAGE, page)
        await desk.write(lambda db: inherited.take(db, ALICE.identity, body, NOW_MS))
        return await desk.read(_shown)
    finally:
        await desk.database.close()


def _shown(db: SqlConnection) -> list[str]:
    found = views.with_reactions(db, messages.between(db, 0, MAX_COUNTER, 100))
    return [message.text or "" for message in found]


@pytest.mark.parametrize("changed", OUT_OF_FORM.values(), ids=OUT_OF_FORM)
async def test_what_is_out_of_form_is_left_out_and_the_rest_is_taken(
    changed: dict[str, Any], tmp_path: Path
) -> None:
    bad = msgspec.structs.replace(GOOD, id=digest("bad")[:16], **changed)
    assert await taken(tmp_path, packed(bad, GOOD)) == ["hello"]


def _deep() -> bytes:
    return b"\x91\x81\xa1a" + b"\x91" * 100_000 + b"\xc0"


def _no_text() -> bytes:
    return packed(GOOD).replace(b"bob@example.org", b"bob@example.\xff\xff\xff")


@pytest.mark.parametrize("page", [_deep, _no_text, lambda: b"", lambda: b"\xc0"])
async def test_a_page_that_is_none_is_an_empty_one(
    page: Callable[[], bytes], tmp_path: Path
) -> None:
    assert await taken(tmp_path, page()) == []
