"""The daemon's state: whether there is a vault, whether it is open, and what runs while it is.

    no_vault ──unlock(create)──▶ ready ──lock──▶ locked ──unlock──▶ ready

The engine runs while the vault is open and an account with a relay is in it; the upkeep as long as the vault is open.
Whoever is in the middle of a request when the vault is locked is told so (`locked`) by the database itself; nothing
else has to be waited for.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from peerpost_daemon import event_data
from peerpost_daemon.bell import Bell
from peerpost_daemon.consent import Consents
from peerpost_daemon.consumer_readers import ConsumerReaders
from peerpost_daemon.delivery_watch import AnswerWatch, DeliveryWatch
from peerpost_daemon.engine import Engine
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.event_data import DaemonData
from peerpost_daemon.files.store import FileStore, store_of
from peerpost_daemon.link import LinkSettings
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import consents, events, held, policies, rotation, schema
from peerpost_daemon.records.account import Account
from peerpost_daemon.rotation import Rotation
from peerpost_daemon.rpc import Requires
from peerpost_daemon.settings import DaemonSettings
from peerpost_daemon.upkeep import Upkeep
from peerpost_daemon.vault import keyfile
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_daemon.vault.integrity import Integrity, found_beside
from peerpost_protocol.backup import Cost as BackupCost

T = TypeVar("T")
MakeEngine = Callable[[Database, Account, str | None, LinkSettings], Engine]
"""Database, account, token, where the relay is."""
log = logging.getLogger(__name__)

REBUILD_RETRY_SECONDS = 1.0
BACKUP_COST = BackupCost()
ENGINE_SETTINGS = (
    *("relay", "allow_plain", "ca_file", "max_queued_seconds", "max_history_bytes"),
    *("max_files_bytes", "fetch_files_bytes"),
)  # with others the engine has to begin anew


class DaemonState(StrEnum):
    """Say what can be done with the vault."""

    NO_VAULT = "no_vault"
    LOCKED = "locked"
    READY = "ready"


def now_ms() -> int:
    """Return the time, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class Daemon:
    """Open and close the vault; hold what lives as long as it is open. `close` must be awaited."""

    def __init__(
        self,
        settings: DaemonSettings,
        make_engine: MakeEngine,
        bell: Bell,
        *,
        files: FileStore | None = None,
        clock: Callable[[], int] = now_ms,
        random_bytes: Callable[[int], bytes] = os.urandom,
        cost: keyfile.Cost = keyfile.DEFAULT_COST,
        backup_cost: BackupCost = BACKUP_COST,
    ) -> None:
        self.settings = settings
        self.bell = bell
        self.files = files or store_of(settings)
        self.clock = clock
        self.random_bytes = random_bytes
        self.started_at_ms = clock()
        self._began_ns = time.monotonic_ns()
        self.deliveries = DeliveryWatch(self.read, bell)
        self.answers = AnswerWatch(self.read, bell)
        self.readers = ConsumerReaders()
        self.shutdown_wanted = asyncio.Event()
        self.integrity: Integrity | None = None
        self.unopened: DaemonError | None = None  # why the vault did not open the last time
        self.damaged: DaemonError | None = None  # why the process has to end
        self._checking: asyncio.Task[None] | None = None
        self.rotation = Rotation(self)
        self._make_engine = make_engine
        self._cost = cost
        self.backup_cost = backup_cost
        self._database: Database | None = None
        self._account: Account | None = None
        self._engine: Engine | None = None
        self._upkeep: Upkeep | None = None
        self._turn = asyncio.Lock()  # one change of state at a time
        self._unlocking = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> DaemonState:
        """Return what can be done with the vault."""
        if self._database is not None:
            return DaemonState.READY
        there = os.path.lexists(self.settings.key_file)
        return DaemonState.LOCKED if there else DaemonState.NO_VAULT

    @property
    def database(self) -> Database:
        """Return the open vault. Raises DaemonError locked or no_vault."""
        if self._database is None:
            raise self._closed()
        return self._database

    @property
    def account(self) -> Account:
        """Return the account as it was when the engine began; a rotation replaces it.

        Raises DaemonError locked, no_vault or no_account.
        """
        if self._account is None:
            _ = self.database
            raise DaemonError("no_account", "No account is registered with this daemon.")
        return self._account

    @property
    def running(self) -> Engine | None:
        """Return the engine, if it runs."""
        return self._engine

    @property
    def engine(self) -> Engine:
        """Return the engine. Raises what `account` raises, and relay_unreachable while there is none."""
        if self._relay_url(self.account) is None:
            raise DaemonError("relay_unreachable", "No relay is known; register with one.")
        if self._engine is None:
            raise DaemonError(
                "relay_unreachable",
                "The link to the relay is being set up anew.",
                retry_after=REBUILD_RETRY_SECONDS,
            )
        return self._engine

    @property
    def faults(self) -> int:
        """Return how many faults of what runs now were survived."""
        return sum(part.faults for part in (self._engine, self._upkeep) if part is not None)

    def gate(self, requires: Requires) -> None:
        """Let a request pass if what it requires is there; else raise DaemonError."""
        if requires is not Requires.NOTHING:
            _ = self.database
        if requires is Requires.ACCOUNT:
            _ = self.account

    async def read(self, function: Callable[[SqlConnection], T], *, quick: bool = False) -> T:
        """Read the vault; see Database.read."""
        return await self.database.read(function, quick=quick)

    async def write(self, function: Callable[[SqlConnection], T]) -> T:
        """Write the vault; see Database.write."""
        return await self.database.write(function)

    def steady_ms(self) -> int:
        """Return the time in ms since the epoch, as a clock says it that was right when the daemon began.

        It does not jump: how long something has to wait is measured with it.
        """
        return self.started_at_ms + (time.monotonic_ns() - self._began_ns) // 1_000_000

    def spawn(self, task: asyncio.Task[None]) -> None:
        """Keep a task until it ends, and end it with the daemon."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def unlock(self, passphrase: str | bytes, *, create: bool = False) -> None:
        """Open the vault, or make a new one; an open vault stays as it is if the passphrase fits.

        Raises DaemonError: no_vault, vault_exists, wrong_passphrase, invalid_params, storage_failed,
        storage_full, too_many_requests.
        """
        if self._unlocking >= self.settings.max_unlocking:
            raise DaemonError("too_many_requests", "Too many try to unlock.", retry_after=1.0)
        self._unlocking += 1
        try:
            async with self._turn:
                await self._unlock(passphrase, create=create)
        finally:
            self._unlocking -= 1

    async def lock(self) -> None:
        """Close the vault and forget its keys; without effect if it is closed."""
        async with self._turn:
            await self._shut("locked")

    async def apply(self, settings: DaemonSettings) -> None:
        """Go by other settings from now on; the engine begins anew when they concern it.

        Raises DaemonError when the vault does not take them; they are in force all the same.
        """
        before, self.settings = self.settings, settings
        self.files = store_of(settings)
        async with self._turn:
            if (database := self._database) is None:
                return
            await database.write(self._set_defaults)
            if any(getattr(before, name) != getattr(settings, name) for name in ENGINE_SETTINGS):
                await self._end_engine()
                await self._begin_engine(database)
        self.bell.ring()

    async def register(
        self, store: Callable[[SqlConnection], bool], code: str | None = None
    ) -> None:
        """Store an account by `store`; if it returns true, begin the engine anew with what is stored.

        `code`: what proves the identity of a card that the relay does not have. Raises what `store` raises.
        """
        async with self._turn:
            if await self.write(store) or self._engine is None:
                await self._end_engine()
                await self._begin_engine(self.database, code)

    async def replace_card(self, store: Callable[[SqlConnection], None]) -> None:
        """Put another card in the account's place by `store`; the engine begins anew, whatever comes of it."""
        async with self._turn:
            await self._end_engine()
            try:
                await self.write(store)
            finally:
                await self._begin_engine(self.database)
        self.bell.ring()

    async def close(self) -> None:
        """End everything: subscribers, engine, vault. The RPC server has been closed before."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        async with self._turn:
            await self._shut("stopped")
        await self.deliveries.close()
        await self.answers.close()

    async def _unlock(self, passphrase: str | bytes, *, create: bool) -> None:
        key = await self._key(passphrase, create=create)
        if self._database is not None:
            return
        database = await self._opened(key)
        try:
            await database.write(self._tidy)
            self._begin_upkeep(database)
            await self._begin_engine(database)
            await database.write(self._told("unlocked"))
        except BaseException:
            await self._end_engine()
            await self._end_upkeep()
            self._account = None
            await database.close()
            raise
        self._database = database
        await self.rotation.resume()
        if not database.is_checked:
            self._checking = asyncio.create_task(self._check(key), name="vault-check")
        self.bell.ring()
        log.info("the vault is open")

    async def _opened(self, key: bytes) -> Database:
        try:
            database = await Database.open(self.settings.vault, key, schema.MIGRATIONS)
        except DaemonError as error:
            self.unopened = error
            raise
        self.unopened = None
        self.integrity = Integrity(self.clock(), "quick", None) if database.is_checked else None
        return database

    async def _check(self, key: bytes) -> None:
        """Check a large vault while it is used; when it is damaged, say so and end the process."""
        try:
            found = await found_beside(self.settings.vault, key)
        except DaemonError as error:  # it could not be opened once more
            log.warning("the vault was not checked: %s", error.kind)
            return
        self.integrity = Integrity(self.clock(), "quick", found.message if found else None)
        if found is not None:
            log.error("%s", found.message)
            self.damaged = found
            self.shutdown_wanted.set()

    async def _key(self, passphrase: str | bytes, *, create: bool) -> bytes:
        """Return the database's key. A database whose key file is gone is never given another."""
        path = self.settings.key_file
        if not create:
            return await keyfile.open_file(path, passphrase)
        if self.state is DaemonState.NO_VAULT and self.settings.vault.exists():
            message = f"{self.settings.vault} is there but its key is not: put {path} back."
            raise DaemonError("storage_failed", message)
        return await keyfile.create_file(path, passphrase, self._cost)

    async def _begin_engine(self, database: Database, code: str | None = None) -> None:
        account, token = await database.read(lambda db: (accounts.find(db), accounts.token(db)))
        if account is None:
            return
        self._account = account
        if (url := self._relay_url(account)) is not None:
            link = LinkSettings(url, self.settings.allow_plain, self.settings.ca_file)
            engine = self._make_engine(database, account, token, link)
            if code is not None:
                engine.prove_card(code)
            await engine.start()
            self._engine = engine

    def _relay_url(self, account: Account) -> str | None:
        return account.relay or self.settings.relay

    async def _end_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()

    def _begin_upkeep(self, database: Database) -> None:
        self._upkeep = Upkeep(database, self.bell, self.files.folder, now_ms=self.clock)
        self._upkeep.start()

    async def _end_upkeep(self) -> None:
        upkeep, self._upkeep = self._upkeep, None
        if upkeep is not None:
            await upkeep.close()

    async def _shut(self, change: str) -> None:
        if (database := self._database) is None:
            return
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.wait([self._checking])
            self._checking = None
        self.rotation.stop()
        await self._end_engine()
        await self._end_upkeep()
        try:
            await database.write(self._told(change))
        except DaemonError as error:  # a full disk must not keep the vault open
            log.warning("that the vault was closed could not be noted: %s", error.kind)
        self._database = self._account = None
        self.bell.ring()  # who waits looks, and finds the vault closed
        await database.close()
        log.info("the vault is closed")

    def _tidy(self, db: SqlConnection) -> None:
        rotation.undo(db)
        events.prune(db, self.clock())
        self._set_defaults(db)
        held.wake_up(db, self.steady_ms())

    def _set_defaults(self, db: SqlConnection) -> None:
        policies.set_default(db, self.settings.policy)
        wanted = Consents(self.settings.consent_direct, self.settings.consent_groups)
        consents.set_default(db, wanted)

    def _told(self, change: str) -> Callable[[SqlConnection], None]:
        data, at_ms = DaemonData(change, None), self.clock()
        return lambda db: events.add(db, event_data.DAEMON, at_ms, data)

    def _closed(self) -> DaemonError:
        if self.state is DaemonState.NO_VAULT:
            return DaemonError("no_vault", "There is no vault yet; create one first.")
        return DaemonError("locked", "The vault is locked; unlock it first.")
