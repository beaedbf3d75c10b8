"""A daemon with two accounts, Alice's and one called `ops`, behind one socket."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from peerpost_daemon.access.settings import AccessSettings
from peerpost_daemon.accounts.settings import AccountSettings
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.service import Service
from tests.daemon.methods.house import PASSPHRASE, House, Plan, _alice, daemon_in
from tests.daemon.rpc.stage import connected
from tests.support.access import own_group

OPS = "ops"


class Household(House):
    """Ask about either account; what is done to the vault is done to `daemon`, the main one."""

    @property
    def ops(self) -> Daemon:
        """Return the daemon of the further account."""
        return self.service.further[OPS]

    async def about(self, account: str, method: str, /, **params: Any) -> Any:
        """Return the whole answer to a request that names an account."""
        self._last += 1
        body = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": params}
        self.client.say(json.dumps(body | {"account": account}).encode())
        while "id" not in (answer := await self.client.hear()):
            self._events.append(answer)
        return answer

    def of_ops(self) -> House:
        """Return a view of the further account's vault."""
        seen = House(self.service, self.plan, self.client)
        seen.daemon = self.ops
        return seen


@asynccontextmanager
async def household(
    directory: Path, *tables: AccessSettings, owners: frozenset[int] | None = None
) -> AsyncIterator[Household]:
    """Run it; both vaults are open, and have an account."""
    group = own_group() if tables else None
    account = AccountSettings(name=OPS, data=directory / "ops")
    more = {"access": tables, "accounts": (account,), "socket_group": group}
    plan = Plan()
    main = daemon_in(directory, plan, **more)
    ops = daemon_in(directory, Plan(), data=directory / "ops")
    service = Service(main, owners=owners, further={OPS: ops})
    await service.start()
    try:
        for one in (main, ops):
            await one.unlock(PASSPHRASE, create=True)
            await one.register(_alice)
        async with connected(main.settings.socket) as client:
            yield Household(service, plan, client)
    finally:
        await service.close()
