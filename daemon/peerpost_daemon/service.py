"""A daemon and its socket, begun and ended in order."""

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence

from peerpost_daemon.access.opening import opening_of
from peerpost_daemon.access.settings import AccessSettings
from peerpost_daemon.access.tables import Tables
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.hooks.hooks import Hooks
from peerpost_daemon.methods.registry import registry_of
from peerpost_daemon.rpc import RpcLimits, RpcServer
from peerpost_daemon.rpc.dispatch import Branch

log = logging.getLogger(__name__)


class Service:
    """Serve a daemon on its socket. `close` must be awaited, also when `start` has raised.

    `daemon` has the main account, `further` have others by name. `owners` are the users who may everything, by number;
    by default the daemon's own and root. Raises DaemonError invalid_params for a user or a group that is not there.
    """

    def __init__(
        self,
        daemon: Daemon,
        *,
        limits: RpcLimits | None = None,
        owners: frozenset[int] | None = None,
        further: Mapping[str, Daemon] | None = None,
    ) -> None:
        self.daemon = daemon
        self.further = dict(further or {})
        self._owners = owners
        settings = daemon.settings
        self.hooks = Hooks(daemon)
        self._server = RpcServer(
            settings.socket,
            registry_of(daemon),
            daemon.gate,
            limits=limits,
            who=self.tables(settings.access).caller,
            opening=lambda: opening_of(settings.access, settings.socket_group),
            further={
                name: Branch(registry_of(one), one.gate) for name, one in self.further.items()
            },
        )

    def tables(self, access: Sequence[AccessSettings]) -> Tables:
        """Return what `admit` needs. Raises DaemonError invalid_params for a user or a group that is not there."""
        names = [one.name for one in self.daemon.settings.accounts]
        return Tables(access, self._owners, {*names, *self.further})

    def admit(self, tables: Tables) -> None:
        """Let in by other tables from now on; who is here with other rights than they give has to come again."""
        self._server.admit(tables.caller)

    async def start(self, passed: socket.socket | None = None) -> None:
        """Listen, on the socket that was passed on to us if there is one, and begin the hooks.

        Raises DaemonStartError, and DaemonError invalid_params for a hook that cannot work.
        """
        await self._server.start(passed)
        self.hooks.start()

    async def close(self) -> None:
        """End the hooks, then the requests, then the engine, then the vault.

        Who only waits for a message is told first, so that the drain is for those who do something.
        """
        stopping = DaemonError("shutting_down", "The daemon is stopping.", retry_after=2.0)
        every = [self.daemon, *self.further.values()]
        for one in every:
            one.deliveries.stop(stopping)
        await self.hooks.close()
        for one in every:
            one.answers.stop(stopping)
        try:
            await self._server.close(self.daemon.settings.drain_seconds)
        finally:
            await self._close(every)

    @staticmethod
    async def _close(every: Sequence[Daemon]) -> None:
        """Close all of them, whatever one says."""
        said = await asyncio.gather(*(one.close() for one in every), return_exceptions=True)
        for error in said:
            if isinstance(error, BaseException):
                raise error
