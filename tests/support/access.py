"""A daemon whose caller is somebody else: the tests' own user is not its owner, and has what the tables give."""

import grp
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from peerpost_daemon.access.settings import AccessSettings
from peerpost_daemon.methods.order import Order, Room, queue
from peerpost_daemon.records import files, references
from peerpost_daemon.records.files import FileState
from peerpost_daemon.rpc import Scope
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import File
from tests.daemon.methods.house import BOB, CAROL, House, house, message_by
from tests.support.people import NOW_MS, digest

SECRET = "the merger is on friday"
OPEN = "the disk is full"
ROOM = Room(100, 1_000_000, 1.0)


def given(*scopes: Scope, channels: tuple[str, ...] | None = None) -> AccessSettings:
    """Return the table of the tests' own user."""
    return AccessSettings(uid=os.geteuid(), scopes=scopes, channels=channels)


def own_group() -> str:
    """Return the name of the tests' own group."""
    return grp.getgrgid(os.getegid()).gr_name


@asynccontextmanager
async def house_of_another(
    directory: Path, *tables: AccessSettings, **changes: Any
) -> AsyncIterator[House]:
    """Run a daemon of somebody else's with Alice's account, and the tests' own user as its caller."""
    nobodys: frozenset[int] = frozenset()
    async with house(
        directory, owners=nobodys, access=tables, socket_group=own_group(), **changes
    ) as made:
        await made.open()
        yield made


class Two:
    """Two channels of Alice: `ours`, which has the alias `ops`, and `theirs`; each with what a channel has."""

    def __init__(self, ours: bytes, theirs: bytes) -> None:
        self.ours = ours
        self.theirs = theirs
        self.heard: dict[bytes, str] = {}
        self.said: dict[bytes, str] = {}
        self.file: dict[bytes, int] = {}


async def two_channels(alice: House) -> Two:
    """Fill the vault: a message of somebody, one of Alice's own and a file in each channel."""
    ours = await alice.channel(BOB, name="machines")
    theirs = await alice.channel(CAROL, name="board")
    await alice.daemon.write(lambda db: references.set_alias(db, ours, "ops"))
    two = Two(ours, theirs)
    for channel, who, text in ((ours, BOB, OPEN), (theirs, CAROL, SECRET)):
        cursor = await alice.arrived(message_by(who, channel, text))
        two.heard[channel] = _uuid(digest(text)[:16])
        two.said[channel] = _uuid(await _queued(alice, channel, f"{text}, I say"))
        two.file[channel] = await alice.daemon.write(_file_of(cursor, f"{text}.txt"))
    return two


async def _queued(alice: House, channel: bytes, text: str) -> bytes:
    order = Order(None, channel.hex(), None, text.encode(), None, None, None)
    id_, own = digest(text)[:16], alice.daemon.account

    def work(db: SqlConnection) -> bytes:
        return queue(db, order, id_, NOW_MS, own=own, room=ROOM).message

    return await alice.daemon.write(work)


def _file_of(cursor: int, name: str) -> Any:
    file = File(digest(name), digest("key"), 5, digest("bytes"), name, "text/plain", None)
    return lambda db: files.add(db, cursor, file, name, state=FileState.OFFERED, mine=False)


def _uuid(id_: bytes) -> str:
    text = id_.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
