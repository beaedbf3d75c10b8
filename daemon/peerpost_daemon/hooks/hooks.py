"""All hooks of the configuration."""

import os
from collections.abc import Mapping

from peerpost_daemon.daemon import Daemon
from peerpost_daemon.hooks.event import Action
from peerpost_daemon.hooks.hook import Hook
from peerpost_daemon.hooks.program import Program
from peerpost_daemon.hooks.settings import HookSettings
from peerpost_daemon.hooks.webhook import Webhook


class Hooks:
    """Begin and end the hooks. `close` must be awaited."""

    def __init__(self, daemon: Daemon, environment: Mapping[str, str] = os.environ) -> None:
        self._daemon = daemon
        self._environment = environment
        self._hooks: list[Hook] = []

    def start(self) -> None:
        """Begin those that the settings name. Raises DaemonError for one that cannot work."""
        actions = [(one, self._action(one)) for one in self._daemon.settings.hooks]
        self._hooks = [Hook(self._daemon, settings, action) for settings, action in actions]

    async def close(self) -> None:
        """End all of them."""
        while self._hooks:
            await self._hooks.pop().close()

    def _action(self, settings: HookSettings) -> Action:
        if settings.url:
            return Webhook(settings)
        return Program(settings, self._daemon.settings.socket, self._environment)
