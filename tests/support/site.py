"""One relay and some daemons as real processes in one folder.

    async with Site(folder) as site:
        await site.relay.start()
        alice = await site.member("alice")             # started and registered with a token
        await alice.client.send(to="bob@example.org", text="hello")

Everything is ended at the end of the block, also when it fails.
"""

import asyncio
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from peerpost import AsyncClient
from peerpost.types import Event
from tests.support.processes import Finished, Process, free_port, run

DOMAIN = "example.org"
EVENT_SECONDS = 20.0  # for something to happen at a daemon


def private_file(path: Path, text: str) -> Path:
    """Write a file that its owner alone may read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123
        file.write(text + "\n")
    return path


class RelayProcess:
    """Be the relay: one folder and one port, however often it is started."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.process = Process("peerpost-relay", folder.with_suffix(".log"))
        self.options: tuple[str | Path, ...] = ()

    @property
    def url(self) -> str:
        """Return where daemons connect."""
        return f"ws://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, on the same port every time."""
        where = ("--data", self.folder, "--listen", f"127.0.0.1:{self.port}")
        await self.process.start("serve", *where, *self.options)

    async def token(self, pattern: str = f"*@{DOMAIN}") -> str:
        """Mint a token, as the operator does."""
        made = await run(
            "peerpost-relay", "token", "create", "--data", self.folder, "--identity", pattern
        )
        assert made.code == 0, made.err
        return made.out.strip()


class DaemonProcess:
    """Be one member's daemon: one folder, one socket, one passphrase."""

    def __init__(self, folder: Path, relay: str, passphrase: str | None = None) -> None:
        folder.mkdir(mode=0o700)
        self.folder = folder
        self.data = folder / "data"
        self.relay = relay
        self.identity = f"{folder.name}@{DOMAIN}"
        self.passphrase = passphrase or secrets.token_hex(8)
        self.passphrase_file = private_file(folder / "passphrase", self.passphrase)
        self.process = Process("peerpostd", folder.with_suffix(".log"))
        self.client = AsyncClient(str(self.socket))

    @property
    def socket(self) -> Path:
        """Return where it answers."""
        return self.folder / "daemon.sock"

    async def start(self, *, locked: bool = False) -> None:
        """Start it; `locked` without its passphrase."""
        passphrase = () if locked else ("--passphrase-file", self.passphrase_file)
        where = ("--data", self.data, "--socket", self.socket)
        await self.process.start(*where, "--relay", self.relay, *passphrase)

    async def stop(self) -> None:
        """Stop it as a service manager does."""
        assert await self.process.stop() == 0

    async def kill(self) -> None:
        """End it at once."""
        await self.process.kill()

    async def restart(self) -> None:
        """End it at once and start it again."""
        await self.kill()
        await self.start()

    async def event(self, kind: str, **wanted: object) -> Event:
        """Return the first event of a kind, from the beginning on, whose data says all this."""
        kinds = [kind]
        async with self.client.listen(kinds=kinds, from_="start", timeout=EVENT_SECONDS) as events:
            async for event in events:
                if wanted.items() <= event["data"].items():
                    return event
        raise AssertionError  # a listener ends by an error

    async def heard(self, count: int) -> list[str | None]:
        """Return the texts of the first messages of others, once there are so many."""
        kinds = ["message"]
        found: list[str | None] = []
        async with self.client.listen(kinds=kinds, from_="start", timeout=EVENT_SECONDS) as events:
            while len(found) < count:
                found.append((await anext(events))["data"]["text"])
        return found

    async def joined(self, channel: str) -> None:
        """Wait until the daemon knows a channel that another has made."""
        await self.event("channel", channel=channel)

    async def peerpost(self, *arguments: str, stdin: bytes = b"") -> Finished:
        """Run `peerpost` for this daemon."""
        return await run("peerpost", "--socket", str(self.socket), *arguments, stdin=stdin)


class Site:
    """Be all of them; `async with` ends them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.folder = folder
        self.relay = RelayProcess(folder / "relay", free_port())
        self.daemons: list[DaemonProcess] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        clients = (daemon.client.close() for daemon in self.daemons)
        ends = (daemon.kill() for daemon in self.daemons)
        await asyncio.gather(*clients, *ends, self.relay.process.kill())

    def daemon(self, name: str, *, relay: str | None = None, **more: str) -> DaemonProcess:
        """Return a daemon that is not started yet."""
        self.daemons.append(DaemonProcess(self.folder / name, relay or self.relay.url, **more))
        return self.daemons[-1]

    async def member(self, name: str) -> DaemonProcess:
        """Return a daemon that runs and is registered."""
        return (await self.members(name))[0]

    async def members(self, *names: str) -> list[DaemonProcess]:
        """Return daemons that run and are registered with a token for all of them."""
        daemons = [self.daemon(name) for name in names]
        token = await self.relay.token()
        await asyncio.gather(*(daemon.start() for daemon in daemons))
        await asyncio.gather(*(self._register(daemon, token) for daemon in daemons))
        return daemons

    async def _register(self, daemon: DaemonProcess, token: str) -> None:
        account = await daemon.client.register(daemon.identity, token=token)
        assert account["state"] == "registered", account
