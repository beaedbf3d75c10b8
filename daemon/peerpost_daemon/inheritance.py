"""Inheritance: an approved device gets the history, page by page, from the one that approved it.

The pages are contents of kind data in a channel whose only member is this account's identity, so they are sealed for
its live cards as every message is, and for nobody else. Attackers: a card that waits for its approval, which is in no
roster and in no wrap; the relay, which holds ciphertext; another member, whose content of this media type is data like
any other, because only an own card's page in an own channel is taken (`inbound/inherited`).

A page is queued when the one before it has left, in the transaction that notes how far the pages have come: killed at
any time, it goes on there.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from peerpost_daemon.bell import Bell
from peerpost_daemon.ids import new_message_id
from peerpost_daemon.membership import Membership
from peerpost_daemon.records import channels, inheritance, outbox_bodies
from peerpost_daemon.records.bodies import encode_body
from peerpost_daemon.records.inheritance import Bequest
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol import limits
from peerpost_protocol.content import HISTORY_PAGE, Data

CHANNEL_NAME: Final = "history"
MESSAGES_A_PAGE: Final = 200
PAGE_BYTES: Final = limits.MAX_DATA - 16
"""Bytes of a page's messages; the array around them takes a few."""
_encode = msgspec.msgpack.Encoder().encode


class Inheritance:
    """Hand the history on. `wake` is called when there may be something to hand on."""

    def __init__(
        self,
        database: Database,
        membership: Membership,
        bell: Bell,
        identity: str,
        *,
        now_ms: Callable[[], int],
        random_bytes: Callable[[int], bytes],
        queued: Callable[[], None],
    ) -> None:
        self._database = database
        self._membership = membership
        self._bell = bell
        self._identity = identity
        self._now_ms = now_ms
        self._random_bytes = random_bytes
        self._queued = queued
        self._wanted = asyncio.Event()

    async def begin(self) -> None:
        """Hand everything on to the devices that count by now. Raises DaemonError."""
        channel = await self._database.read(lambda db: _own_channel(db, self._identity))
        if channel is None:
            channel = await self._membership.create(CHANNEL_NAME, [])
        there = channel
        await self._database.write(lambda db: inheritance.begin(db, there))
        self._wanted.set()

    async def run(self) -> None:
        """Queue page after page until cancelled."""
        self._wanted.set()
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            seen = self._bell.rings
            while await self._step():
                seen = await self._bell.wait(seen)

    async def _step(self) -> bool:
        """Queue a page if it is time; return whether there is more to do."""
        if await self._database.read(inheritance.find) is None:
            return False
        id_ = new_message_id(self._now_ms(), self._random_bytes)
        more, added = await self._database.write(lambda db: _next_page(db, id_, self._now_ms()))
        if added:
            self._queued()
        return more


def _own_channel(db: SqlConnection, identity: str) -> bytes | None:
    """Return the channel that pages travel in: nobody else may ever be its member."""
    for channel in channels.everything(db):
        is_there = channel.state is channels.ChannelState.ACTIVE
        if is_there and is_of(channel, identity):
            return channel.id
    return None


def is_of(channel: channels.Channel, identity: str) -> bool:
    """Say whether a channel is for pages: its name fits and the identity is alone in it."""
    return channel.roster.name == CHANNEL_NAME and set(channel.roster.members) == {identity}


def _next_page(db: SqlConnection, id_: bytes, now_ms: int) -> tuple[bool, bool]:
    bequest = inheritance.find(db)
    if bequest is None:
        return False, False
    if outbox_bodies.is_under_way(db, bequest.channel):
        return True, False
    outbox_bodies.empty_sent(db, bequest.channel)  # the same words stand in the messages
    packed, after = _packed(db, bequest, now_ms)
    if not packed:
        inheritance.finish(db)
        return False, False
    body = Data(HISTORY_PAGE, _encode(packed))
    outbox_bodies.add_page(db, id_, bequest.channel, encode_body(body), now_ms)
    inheritance.advance(db, after)
    return True, True


def _packed(db: SqlConnection, bequest: Bequest, now_ms: int) -> tuple[list[msgspec.Raw], int]:
    """Return messages that fit a page, and the last one's cursor; one that fits none is left out."""
    packed, size, after = list[msgspec.Raw](), 0, bequest.after
    for cursor, message in inheritance.part(db, bequest, now_ms, MESSAGES_A_PAGE):
        fields = _encode(message)
        if len(fields) <= PAGE_BYTES:
            if size + len(fields) > PAGE_BYTES:
                break
            packed.append(msgspec.Raw(fields))
            size += len(fields)
        after = cursor
    return packed, after
