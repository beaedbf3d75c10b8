"""SIGHUP: the whole configuration is read anew, and the relay is tried at once.

Everything is read and checked before anything is changed: what is wrong leaves the old settings in force. What cannot
change while the daemon runs is named.
"""

import asyncio
import logging
from collections.abc import Callable

from peerpost_daemon import log_lines
from peerpost_daemon.accounts.opening import settings_of
from peerpost_daemon.configuration import DaemonConfiguration
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.service import Service
from peerpost_daemon.settings import DaemonSettings
from peerpost_protocol.configuration import renewed

log = logging.getLogger(__name__)

Read = Callable[[], DaemonConfiguration]


class Reloading:
    """Hold the configuration in force, and take another; one at a time."""

    def __init__(self, service: Service, settings: DaemonConfiguration, read: Read) -> None:
        self._service = service
        self._settings = settings
        self._read = read
        self._turn = asyncio.Lock()

    async def reload(self, begins: Callable[[], None], ends: Callable[[str], None]) -> None:
        """Read and apply; `begins` is called before, and `ends` with what there is to say of it."""
        async with self._turn:
            begins()
            try:
                said = await self._reload()
            except DaemonError as error:
                log.error("the old settings stay: %s", error.message)  # noqa: TRY400  the sentence says it all
                ends(f"the old settings stay: {error.message}")
            else:
                log.info("SIGHUP: %s", said)
                ends(said)

    async def _reload(self) -> str:
        service, before = self._service, self._settings
        outcome = renewed(before, self._read())
        now = outcome.now
        hooks = service.hooks.prepared(now.hooks) if now.hooks != before.hooks else None
        tables = service.tables(
            now.access
        )  # also when it is unchanged: a name may mean another user
        log_lines.begin(now.log_level, now.log_format)
        self._settings = now
        await _apply(service.daemon, now)
        for account in now.accounts:
            if (daemon := service.further.get(account.name)) is not None:
                await _apply(daemon, settings_of(now, account))
        service.admit(tables)
        if hooks is not None:
            await service.hooks.replace(hooks)
        for daemon in (service.daemon, *service.further.values()):
            if daemon.running is not None:
                daemon.running.retry_now()
        return str(outcome)


async def _apply(daemon: Daemon, settings: DaemonSettings) -> None:
    try:
        await daemon.apply(settings)
    except DaemonError as error:  # the vault; its own findings say so
        log.warning("the vault did not take the new settings: %s", error.kind)
