"""daemon.*: the process and its vault."""

import asyncio
import os
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct, structs

from peerpost_daemon import views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.health.doctor import examine
from peerpost_daemon.health.gathering import gather
from peerpost_daemon.methods.params import NoParams
from peerpost_daemon.passphrase import MAX_PASSPHRASE_BYTES
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import standing, tallies
from peerpost_daemon.rpc import Call, Method, Reach, Requires, Scope
from peerpost_daemon.rpc.call import MAIN
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.version import VERSION


class Unlock(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the passphrase; `create` makes a new vault with it."""

    passphrase: Annotated[str, Meta(min_length=1, max_length=MAX_PASSPHRASE_BYTES)]
    create: bool = False

    def __repr__(self) -> str:
        return "<Unlock>"


class Stopping(Struct, frozen=True):
    """Say that the daemon stops."""

    stopping: bool


class _Counts(Struct, frozen=True):
    account: accounts.Account | None
    outbox: views.Outbox
    channels: int
    messages: int


class DaemonMethods:
    """The methods of the noun."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._examining = asyncio.Lock()

    def all(self) -> Iterator[Method]:
        """Declare them."""
        yield Method.of(
            "daemon.status",
            self.status,
            scope=Scope.RECEIVE,
            reach=Reach.CHANNELS,
            requires=Requires.NOTHING,
        )
        yield Method.of(
            "daemon.health", self.health, scope=Scope.RECEIVE, requires=Requires.NOTHING
        )
        yield Method.of("daemon.doctor", self.doctor, scope=Scope.ADMIN, requires=Requires.NOTHING)
        yield Method.of(
            "daemon.unlock",
            self.unlock,
            scope=Scope.ADMIN,
            requires=Requires.NOTHING,
            errors=(
                "no_vault",
                "vault_exists",
                "wrong_passphrase",
                "too_many_requests",
                "storage_full",
                "storage_failed",
            ),
        )
        yield Method.of("daemon.lock", self.lock, scope=Scope.ADMIN, requires=Requires.NOTHING)
        yield Method.of(
            "daemon.shutdown", self.shutdown, scope=Scope.ADMIN, requires=Requires.NOTHING
        )

    async def status(self, params: NoParams, call: Call) -> views.Status:  # noqa: ARG002 - a handler's shape
        """Tell how the daemon, its vault and its link to the relay are doing."""
        shown = await self._status()
        if call.rights.channels(Scope.RECEIVE) is None:
            return shown
        # The counts are of all channels.
        return structs.replace(shown, outbox=views.Outbox(0, 0), channels=0, messages=0)

    async def health(self, params: NoParams, call: Call) -> views.Health:  # noqa: ARG002
        """Tell what is not as it should be, and the facts that it follows from. Works in every state."""
        facts, schema = await gather(self._daemon)
        return views.health(facts, VERSION, schema, self._daemon.clock())

    async def doctor(self, params: NoParams, call: Call) -> views.Diagnosis:  # noqa: ARG002
        """Look at everything thoroughly, one caller at a time. Works in every state."""
        async with self._examining:
            facts, schema = await gather(self._daemon)
            checks = await examine(self._daemon, facts, schema)
            facts, _ = await gather(self._daemon)
        return views.diagnosis(checks, facts)

    async def unlock(self, params: Unlock, call: Call) -> views.Status:  # noqa: ARG002
        """Open the vault, or make a new one."""
        await self._daemon.unlock(params.passphrase, create=params.create)
        return await self._status()

    async def lock(self, params: NoParams, call: Call) -> views.Status:  # noqa: ARG002
        """Close the vault and forget its keys; nothing is sent or received until it is unlocked."""
        # Shielded: a caller who hangs up must not leave the vault half closed.
        await asyncio.shield(asyncio.ensure_future(self._daemon.lock()))
        return await self._status()

    async def shutdown(self, params: NoParams, call: Call) -> Stopping:  # noqa: ARG002 - a handler's shape
        """Stop the daemon once the requests in work are answered; for those who administer the main account."""
        if call.account != MAIN:
            message = "This would stop all accounts; daemon.lock closes this one."
            raise DaemonError("forbidden", message, field="account")
        self._daemon.shutdown_wanted.set()
        return Stopping(stopping=True)

    async def _status(self) -> views.Status:
        daemon = self._daemon
        counts = await self._count()
        engine = daemon.running
        url = (counts.account and counts.account.relay) or daemon.settings.relay
        link = engine.link_status if engine else None
        return views.Status(
            state=daemon.state.value,
            version=VERSION,
            pid=os.getpid(),
            started_at_ms=daemon.started_at_ms,
            socket=str(daemon.settings.socket),
            account=views.account(counts.account, url) if counts.account else None,
            relay=views.relay(link, url, daemon.started_at_ms),
            outbox=counts.outbox,
            channels=counts.channels,
            messages=counts.messages,
        )

    async def _count(self) -> _Counts:
        try:
            return await self._daemon.read(_counts)
        except DaemonError as error:
            if error.kind not in ("locked", "no_vault"):
                raise
            return _Counts(None, views.Outbox(0, 0), 0, 0)


def _counts(db: SqlConnection) -> _Counts:
    return _Counts(
        accounts.find(db),
        views.Outbox(tallies.queued(db).count, tallies.sent(db).count),
        standing.channel_count(db),
        tallies.messages(db),
    )
