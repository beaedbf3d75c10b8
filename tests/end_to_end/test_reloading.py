"""SIGHUP to both processes: what is live changes, what is not is named, what is wrong changes nothing."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from peerpost import AsyncClient
from tests.relay.test_process import get
from tests.support.managed import Managed, managed
from tests.support.processes import free_port
from tests.support.site import private_file


class Reloaded:
    """Be a service, its configuration file, and what it says of a reload."""

    def __init__(self, service: Managed, file: Path, place: str) -> None:
        self.service = service
        self.file = file
        self.place = place

    async def reload(self, text: str) -> str:
        """Write the file, and return what the service says when the reload is over."""
        private_file(self.file, text)
        await self.service.signal(signal.SIGHUP)
        await self.service.tells("RELOADING=1")
        _, status = await self.service.tells("READY=1")
        return status.partition("; ")[2]


@asynccontextmanager
async def relay(folder: Path, text: str = "") -> AsyncIterator[Reloaded]:
    file = private_file(folder / "relay.toml", text)
    where = ("--config", file, "--data", folder / "relay", "--listen", "127.0.0.1:0")
    async with managed("peerpost-relay", "serve", *where, address=str(folder / "n")) as service:
        _, status = await service.tells("READY=1")
        yield Reloaded(service, file, f"http://{status.rpartition(' ')[2]}")


@asynccontextmanager
async def daemon(folder: Path, text: str = "") -> AsyncIterator[Reloaded]:
    file = private_file(folder / "peerpostd.toml", text)
    secret = private_file(folder / "passphrase", "correct horse")
    where = ("--config", file, "--data", folder / "data", "--socket", folder / "run/s")
    options = ("--passphrase-file", secret)
    async with managed("peerpostd", *where, *options, address=str(folder / "n")) as service:
        await service.tells("READY=1")
        yield Reloaded(service, file, str(folder / "run/s"))


async def information(one: Reloaded) -> dict[str, Any]:
    return (await asyncio.to_thread(get, one.place))[1]


async def test_a_relay_takes_what_is_live_and_names_what_is_not(tmp_path: Path) -> None:
    async with relay(tmp_path) as one:
        assert (await information(one))["needs_token"] is True
        said = await one.reload("[relay]\nallow_unverified = true\nverifiers = 3")
        assert said == "taken: relay.allow_unverified; at the next start only: relay.verifiers"
        assert (await information(one))["needs_token"] is False
        assert await one.reload("[relay]\nallow_unverified = true") == "no setting has changed"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("[relay]\nallow_unverifed = true", "did you mean relay.allow_unverified?"),
        ("this is no TOML", "no TOML"),
        ('[mail]\nhost = "mail.example.org"', "mail.sender"),
        ('metrics = "nowhere"', "HOST:PORT or unix:/path is expected"),
        ('[tls]\ncertificate = "/nowhere/relay.pem"', "/nowhere/relay.pem cannot be read"),
    ],
)
async def test_a_wrong_file_leaves_a_relays_settings_in_force(
    tmp_path: Path, wrong: str, why: str
) -> None:
    right = "[relay]\nallow_unverified = true"
    async with relay(tmp_path, right) as one:
        said = await one.reload(wrong)
        assert said.startswith("the old settings stay: ")
        assert why in said
        assert (await information(one))["needs_token"] is False
        assert await one.reload("") == "taken: relay.allow_unverified"


async def test_tls_and_mail_begin_at_a_start(tmp_path: Path) -> None:
    async with relay(tmp_path) as one:
        mail = '[mail]\nhost = "mail.example.org"\nsender = "relay@example.org"'
        assert await one.reload(mail) == "no setting has changed"
        await one.service.signal(signal.SIGTERM)
        assert "mail begins or ends at the next start only" in await one.service.complaint()


async def test_a_log_changes_its_form_while_it_is_written(tmp_path: Path) -> None:
    async with relay(tmp_path) as one:
        assert await one.reload('log_format = "json"') == "taken: log_format"
        await one.service.signal(signal.SIGTERM)
        lines = (await one.service.complaint()).splitlines()
    assert any(" INFO peerpost_relay" in line for line in lines)
    assert json.loads(lines[-1])["message"] == "stopped"


async def max_queued(client: AsyncClient) -> int:
    outbox = (await client.health())["outbox"]
    assert outbox is not None
    return outbox["max_queued"]


async def test_a_daemon_takes_what_is_live_and_names_what_is_not(tmp_path: Path) -> None:
    relay_ = f"ws://127.0.0.1:{free_port()}"
    async with daemon(tmp_path) as one, AsyncClient(one.place) as client:
        assert (await client.status())["relay"]["url"] is None
        said = await one.reload(f'relay = "{relay_}"\nmax_queued = 7\npassphrase_file = "x"')
        assert "relay" in said
        assert said.startswith("taken: ")
        assert (await client.status())["relay"]["url"] == relay_
        assert await max_queued(client) == 7


async def test_a_wrong_file_leaves_a_daemons_settings_in_force(tmp_path: Path) -> None:
    async with daemon(tmp_path, "max_queued = 7") as one, AsyncClient(one.place) as client:
        said = await one.reload("max_queud = 8")
        assert said.startswith("the old settings stay: ")
        assert "did you mean max_queued?" in said
        missing = (
            f'[[hooks]]\nname = "x"\nurl = "https://example.org"\nsecret_file = "{tmp_path}/no"'
        )
        assert (await one.reload(missing)).startswith("the old settings stay: ")
        assert await max_queued(client) == 7
        assert (await client.status())["state"] == "ready"


async def test_hooks_begin_and_end_at_a_reload(tmp_path: Path) -> None:
    hook = '[[hooks]]\nname = "note"\nexec = ["/bin/true"]'
    async with daemon(tmp_path) as one, AsyncClient(one.place) as client:
        assert await one.reload(hook) == "taken: hooks"
        while not (await client.consumer_list())["consumers"]:
            pass  # it makes its consumer as soon as it runs
        assert await one.reload("") == "taken: hooks"
        assert (await client.status())["state"] == "ready"


async def test_what_a_daemon_cannot_change_is_named(tmp_path: Path) -> None:
    async with daemon(tmp_path, 'log_level = "info"') as one:
        text = f'passphrase_file = "{tmp_path}/passphrase"\nlog_level = "debug"'
        assert (
            await one.reload(text) == "taken: log_level"
        )  # the option names the passphrase's file
