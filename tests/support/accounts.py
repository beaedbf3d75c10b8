"""Daemons' accounts in the test's own loop: the real engine on a real encrypted vault.

    async with account(folder, "bob@example.org", relay.url) as bob:
        channel = await alice.channel("ops", bob, mallory)
        await alice.send(channel, "hello")
        await bob.shows(channel, "hello")

What a person would be shown are the messages and events of the vault; both are read from there.
Nothing sleeps: waiting is for the bell that rings after every commit.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from peerpost_daemon.bell import Bell
from peerpost_daemon.engine import Engine
from peerpost_daemon.files.drafts import Draft
from peerpost_daemon.files.folder import FileFolder
from peerpost_daemon.files.store import FileStore
from peerpost_daemon.ids import new_message_id
from peerpost_daemon.link import LinkSettings, LinkState
from peerpost_daemon.outbound import attachments
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import (
    channels,
    contacts,
    events,
    message_pages,
    messages,
    outbox,
    schema,
)
from peerpost_daemon.records.account import Account
from peerpost_daemon.records.messages import Message
from peerpost_daemon.records.outgoing import Outgoing
from peerpost_daemon.upkeep import Upkeep
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card, DeviceKeys, issue_card
from peerpost_protocol.roster import Member, Role, Roster

VAULT_KEY = bytes(range(32))
PATIENCE_SECONDS = 15.0
QUICK = 0.02
"""Seconds before the first new try of a link."""

MAX_FILES_BYTES = 64 * 1024 * 1024
FETCH_BYTES = 1024 * 1024

T = TypeVar("T")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class RunningAccount:
    """Be a daemon's account that runs: send with it, and see what it shows."""

    def __init__(self, database: Database, account: Account, url: str, folder: Path) -> None:
        self.database = database
        self.account = account
        self.bell = Bell()
        self.folder = FileFolder(folder / "files")
        self.engine = Engine(
            database,
            account,
            None,
            LinkSettings(url, first_delay=QUICK),
            self.bell,
            now_ms=now_ms,
            random_bytes=os.urandom,
            files=FileStore(self.folder, MAX_FILES_BYTES, FETCH_BYTES),
        )

    @property
    def card(self) -> Card:
        return self.account.card

    @property
    def identity(self) -> str:
        return self.card.identity

    def member(self, role: Role = Role.MEMBER) -> Member:
        return Member(self.identity, role, (self.card.id,))

    async def read(self, function: Callable[[SqlConnection], T]) -> T:
        return await self.database.read(function)

    async def until(self, look: Callable[[SqlConnection], T]) -> T:
        """Return what `look` finds as soon as it finds something."""
        seen = self.bell.rings
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := await self.read(look)):
                seen = await self.bell.wait(seen)
        return found

    async def online(self) -> None:
        await self.until(lambda _: self.engine.link_status.state is LinkState.ONLINE)

    # -- doing -----------------------------------------------------------------------------------

    async def channel(self, name: str, *others: str) -> bytes:
        """Begin a channel and wait until the relay has it."""
        id_ = await self.engine.channels.create(name, list(others))
        self.engine.outbound.wake()
        await self.follows(id_)
        return id_

    async def send(
        self,
        to: bytes | str,
        text: str,
        *,
        message: bytes | None = None,
        files: Iterable[bytes] = (),
        due_ms: int | None = None,
    ) -> bytes:
        """Queue a text for a channel, or for an identity; return the message's id."""
        channel, recipient = (to, None) if isinstance(to, bytes) else (None, to)
        id_ = message or new_message_id(now_ms(), os.urandom)
        said = Message(
            id=id_,
            channel=channel,
            card=self.card.id,
            identity=self.identity,
            mine=True,
            sequence=None,
            position=None,
            media_type=None,
            body=text.encode(),
            reply_to=None,
            sent_at_ms=now_ms(),
            received_at_ms=None,
            expires_at_ms=None,
        )

        drafts = [self.draft(data) for data in files]

        def store(db: SqlConnection) -> None:
            cursor = messages.add(db, said)
            assert cursor is not None
            outbox.add(db, said, cursor, recipient, None, not_before_ms=due_ms)
            attach(db, cursor, drafts)

        await self.database.write(store)
        self.engine.outbound.wake()
        if self.engine.files is not None:
            self.engine.files.wake()
        return id_

    async def accept(self, identity: str, card: bytes | None = None) -> None:
        """Accept what a contact offers."""
        await self.engine.judge(lambda db: _accept(db, identity, card))

    def draft(self, data: bytes, name: str = "notes.txt") -> Draft:
        """Copy a file as `message.send` does."""
        draft = Draft(self.folder, name, None, max_bytes=2**40, random_bytes=os.urandom)
        draft.write(data)
        draft.finish()
        return draft

    # -- what is shown ---------------------------------------------------------------------------

    async def follows(self, channel: bytes, position: int = 0) -> Roster:
        """Return the roster once the stream has brought it so far and the channel is active."""

        def look(db: SqlConnection) -> Roster | None:
            found = channels.find(db, channel)
            if found is None or found.state is not channels.ChannelState.ACTIVE:
                return None
            return found.roster if found.roster.position >= position else None

        found = await self.until(look)
        assert found is not None
        return found

    async def texts(self, channel: bytes) -> list[str]:
        """Return the texts of others that are shown, in their order."""
        page, _ = await self.read(lambda db: message_pages.page(db, channel, 0, None, 500))
        return [one.message.body.decode() for one in page if not one.message.mine]

    async def shows(self, channel: bytes, *wanted: str) -> None:
        """Wait for the last of the texts; then exactly these are shown."""
        await self.until(lambda db: any(text == wanted[-1] for text in _texts(db, channel)))
        assert await self.texts(channel) == list(wanted)

    async def told(self, kind: str, **fields: object) -> dict[str, Any]:
        """Return the first event of a kind whose data has these fields, once there is one."""
        return (await self.until(lambda db: _events(db, kind, fields)))[0]

    async def events(self, kind: str, **fields: object) -> list[dict[str, Any]]:
        """Return the data of the events of a kind with these fields so far."""
        return await self.read(lambda db: _events(db, kind, fields))

    async def reasons(self) -> list[str]:
        """Return the reasons of all quarantine events so far."""
        return [event["reason"] for event in await self.events("quarantine")]

    async def outgoing(self, message: bytes, state: str) -> Outgoing:
        """Return the outbox's row of a message once it has come to a state."""

        def look(db: SqlConnection) -> Outgoing | None:
            row = outbox.find(db, message)
            return row if row is not None and row.state.value == state else None

        found = await self.until(look)
        assert found is not None
        return found

    async def pinned(self, identity: str) -> list[bytes]:
        """Return the ids of the cards that an identity may be sealed to by."""
        return [card.id for card in await self.read(lambda db: contacts.usable(db, identity))]


def _accept(db: SqlConnection, identity: str, card: bytes | None) -> None:
    contacts.accept(db, identity, card, now_ms())


def _texts(db: SqlConnection, channel: bytes) -> list[str]:
    page, _ = message_pages.page(db, channel, 0, None, 500)
    return [one.message.body.decode() for one in page if not one.message.mine]


def _events(db: SqlConnection, kind: str, fields: dict[str, object]) -> list[dict[str, Any]]:
    found = [e.data for e in events.page(db, 0, 1000) if e.kind == kind and e.data is not None]
    decoded = [msgspec.json.decode(data) for data in found]
    return [data for data in decoded if fields.items() <= data.items()]


@asynccontextmanager
async def account(
    folder: Path, identity: str, url: str, *, endorser: bytes | None = None
) -> AsyncIterator[RunningAccount]:
    """Run an account on the relay at `url`, made when `folder` has no vault yet."""
    database = await Database.open(folder / "vault.db", VAULT_KEY, schema.MIGRATIONS)
    try:
        if await database.read(accounts.find) is None:
            await database.write(lambda db: _create(db, identity, url, endorser))
        stored = await database.read(accounts.find)
        assert stored is not None
        running = RunningAccount(database, stored, url, folder)
        upkeep = Upkeep(database, running.bell, running.folder, now_ms=now_ms)
        upkeep.start()
        await running.engine.start()
        try:
            yield running
            assert running.engine.faults == upkeep.faults == 0
        finally:
            await running.engine.close()
            await upkeep.close()
    finally:
        await database.close()


def _create(db: SqlConnection, identity: str, url: str, endorser: bytes | None) -> None:
    seed, private = os.urandom(32), os.urandom(32)
    card = issue_card(DeviceKeys(seed, private), identity, "test", now_ms(), endorser=endorser)
    accounts.create(db, card, seed, private)
    accounts.aim(db, url, None)


def attach(db: SqlConnection, cursor: int, drafts: list[Draft]) -> None:
    attachments.attach(db, cursor, [draft.finish() for draft in drafts])
    for draft in drafts:
        draft.belongs()
