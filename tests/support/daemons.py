"""A daemon without its socket: a real vault, a real engine, on a real relay.

    async with daemon_of(folder, relay.url, alice) as daemon: ...

Its account is that of an owner whose keys the test has; None: an empty vault.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from peerpost_daemon.bell import Bell
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.engine import Engine
from peerpost_daemon.link import LinkSettings, LinkState
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import events
from peerpost_daemon.records.account import Account
from peerpost_daemon.settings import DaemonSettings
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_daemon.vault.keyfile import Cost
from peerpost_protocol.card import Card, DeviceKeys, issue_card
from tests.support import backups
from tests.support.accounts import RunningAccount
from tests.support.relay_client import now_ms

PASSPHRASE = "correct horse"
PATIENCE_SECONDS = 15.0
QUICK = 0.02
"""Seconds before the first new try of a link."""


class Owner:
    """Be somebody whose private keys the test knows."""

    def __init__(self, identity: str) -> None:
        self.seed, self.private = os.urandom(32), os.urandom(32)
        self.keys = DeviceKeys(self.seed, self.private)
        self.card: Card = issue_card(self.keys, identity, "laptop", now_ms())

    def create(self, db: SqlConnection) -> bool:
        accounts.create(db, self.card, self.seed, self.private)
        return True


@asynccontextmanager
async def daemon_of(folder: Path, url: str, owner: Owner | None) -> AsyncIterator[Daemon]:
    """Run a daemon, made when the folder has none yet."""
    bell = Bell()

    def make(database: Database, account: Account, token: str | None, link: LinkSettings) -> Engine:
        return Engine(
            database,
            account,
            token,
            LinkSettings(link.url, first_delay=QUICK),
            bell,
            now_ms=now_ms,
            random_bytes=os.urandom,
        )

    settings = DaemonSettings(data=folder / "data", socket=folder / "s", relay=url)
    costs = {"cost": Cost(opslimit=1, memlimit=8192), "backup_cost": backups.CHEAP}
    daemon = Daemon(settings, make, bell, **costs)  # type: ignore[arg-type]
    try:
        await daemon.unlock(PASSPHRASE, create=not settings.key_file.exists())
        if owner is not None and await daemon.read(accounts.find) is None:
            await daemon.register(owner.create)
        yield daemon
    finally:
        await daemon.close()


async def reached(daemon: Daemon, state: LinkState = LinkState.ONLINE) -> None:
    """Wait until the link is so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while daemon.running is None or daemon.running.link_status.state is not state:
            await daemon.bell.wait(daemon.bell.rings)


async def told(daemon: Daemon, kind: str, **fields: object) -> dict[str, Any]:
    """Return the data of the first event of a kind with these fields, once there is one."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            rings = daemon.bell.rings
            for data in await events_of(daemon, kind):
                if fields.items() <= data.items():
                    return data
            await daemon.bell.wait(rings)


async def events_of(daemon: Daemon, kind: str) -> list[dict[str, Any]]:
    """Return the data of all events of a kind."""
    page = await daemon.read(lambda db: events.page(db, 0, 1000))
    return [msgspec.json.decode(e.data) for e in page if e.kind == kind and e.data is not None]


def as_account(daemon: Daemon) -> RunningAccount:
    """Return the daemon's account, to send with and look into."""
    view = RunningAccount.__new__(RunningAccount)
    view.database, view.account = daemon.database, daemon.account
    view.bell, view.engine = daemon.bell, daemon.engine
    return view
