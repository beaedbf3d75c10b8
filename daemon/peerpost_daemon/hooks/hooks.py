"""All hooks of the configuration."""

import os
from collections.abc import Mapping, Sequence

from peerpost_daemon.daemon import Daemon
from peerpost_daemon.hooks.event import Action
from peerpost_daemon.hooks.hook import Hook
from peerpost_daemon.hooks.program import Program
from peerpost_daemon.hooks.settings import HookSettings

Prepared = list[tuple[HookSettings, Action]]


class Hooks:
    """Begin and end the hooks. `close` must be awaited."""

    def __init__(self, daemon: Daemon, environment: Mapping[str, str] = os.environ) -> None:
        self._daemon = daemon
        self._environment = environment
        self._hooks: list[Hook] = []

    def start(self) -> None:
        """Begin those that the settings name. Raises DaemonError for one that cannot work."""
        self._begin(self.prepared(self._daemon.settings.hooks))

    def prepared(self, wanted: Sequence[HookSettings]) -> Prepared:
        """Return what `replace` needs. Raises DaemonError for a hook that cannot work."""
        return [(one, self._action(one)) for one in wanted]

    async def replace(self, prepared: Prepared) -> None:
        """End the hooks that there are and begin others; what was under way comes again."""
        await self.close()
        self._begin(prepared)

    def _begin(self, prepared: Prepared) -> None:
        self._hooks = [Hook(self._daemon, settings, action) for settings, action in prepared]

    async def close(self) -> None:
        """End all of them."""
        while self._hooks:
            await self._hooks.pop().close()

    def _action(self, settings: HookSettings) -> Action:
        if settings.url:
            from peerpost_daemon.hooks.webhook import Webhook  # noqa: PLC0415 - few have one

            return Webhook(settings)
        return Program(settings, self._daemon.settings.socket, self._environment)
