"""The relay as a process: what it prints, the commands beside it, signals, its files."""

import asyncio
import json
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from peerpost_protocol import frames as f
from peerpost_protocol.refusals import Refusal
from tests.support.relay_client import Person, RelayClient, position, refusal

COMMAND = (sys.executable, "-m", "peerpost_relay")
START_SECONDS = 20


class Served:
    """Be a serving process."""

    def __init__(self, process: asyncio.subprocess.Process, line: str) -> None:
        self.process = process
        self.url = line.split()[2]
        self.key = line.split()[4]

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return await self.process.wait()


@asynccontextmanager
async def serving(data: Path, *options: str, port: int = 0) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "serve", "--data", data, "--listen", f"127.0.0.1:{port}", *options,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            line = (await process.stdout.readline()).decode()
        assert line.startswith(("listening on ws://127.0.0.1:", "listening on wss://127.0.0.1:")), (
            line
        )
        yield Served(process, line)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def complete(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)


def run(data: Path, *arguments: str) -> str:
    done = complete(*arguments, "--data", str(data))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def get(url: str) -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(url.replace("ws://", "http://"), timeout=10) as answer:  # noqa: S310  our own relay
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


async def test_a_token_made_while_the_relay_serves_is_known_at_once(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    async with serving(tmp_path) as relay, await RelayClient.connect(relay.url) as client:
        await client.greet()
        assert refusal(await client.publish_card(alice)) == Refusal.TOKEN_REQUIRED
        made = asyncio.to_thread(run, tmp_path, "token", "create", "--identity", "*@example.org")
        token = await made
        assert position(await client.publish_card(alice, token)) == 0
        welcome = await client.authenticate(alice)
        assert welcome.attestation is f.Attestation.AUTHORIZED
        assert alice.card.id.hex() in await asyncio.to_thread(run, tmp_path, "card", "list")


async def test_sigterm_says_goodbye_and_ends_with_zero(tmp_path: Path) -> None:
    async with serving(tmp_path, "--allow-without-token") as relay:
        client = await RelayClient.register(relay.url, Person("alice@example.org"))
        stopped = asyncio.create_task(relay.stop())
        closing = await client.expect(f.Closing)
        assert (closing.kind, closing.come_back) == (Refusal.SHUTTING_DOWN, True)
        await client.close()
        assert await stopped == 0


async def test_after_sigkill_everything_accepted_is_there(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    async with serving(tmp_path, "--allow-without-token") as relay:
        client = await RelayClient.register(relay.url, alice)
        roster, event = alice.create([])
        await client.submit(event)
        assert position(await client.publish(alice.envelope(roster))) == 2
        await relay.stop(signal.SIGKILL)
        await client.close()
        key = relay.key
    async with serving(tmp_path) as relay, await RelayClient.connect(relay.url, alice) as client:
        assert relay.key == key
        page = await client.read(roster.channel)
        assert isinstance(page, f.StreamPage)
        assert page.last == 2


async def test_the_public_pages_tell_what_a_client_and_an_operator_need(tmp_path: Path) -> None:
    async with serving(tmp_path) as relay:
        status, information = await asyncio.to_thread(get, relay.url + "/")
        assert (status, information["relay_key"]) == (200, relay.key)
        assert information["needs_token"] is True
        status, health = await asyncio.to_thread(get, relay.url + "/health")
        assert (status, health["well"], health["database"]) == (200, True, "ok")


async def test_one_folder_is_served_by_one_process(tmp_path: Path) -> None:
    async with serving(tmp_path):
        second = await asyncio.to_thread(
            complete, "serve", "--data", str(tmp_path), "--listen", "127.0.0.1:0"
        )
        assert second.returncode == 1
        assert "another relay serves" in second.stderr


async def test_logs_are_json_and_hold_no_token(tmp_path: Path) -> None:
    token = run(tmp_path, "token", "create", "--identity", "*@example.org", "--uses", "1")
    async with serving(tmp_path, "--log-format", "json") as relay:
        client = await RelayClient.register(relay.url, Person("alice@example.org"), token)
        await client.close()
        await relay.stop()
        assert relay.process.stderr is not None
        logged = (await relay.process.stderr.read()).decode()
    assert all(json.loads(line)["message"] for line in logged.splitlines())
    assert token not in logged


def test_tokens_are_listed_and_revoked_and_never_shown_again(tmp_path: Path) -> None:
    token = run(tmp_path, "token", "create", "--identity", "*@Example.org", "--expires", "30d")
    assert token not in run(tmp_path, "token", "list")
    run(tmp_path, "token", "revoke", "1")
    assert "ended" in run(tmp_path, "token", "list")


async def test_a_card_is_revoked_by_the_operator_with_a_reason(tmp_path: Path) -> None:
    alice = Person("alice@example.org")
    async with serving(tmp_path, "--allow-unverified") as relay:
        client = await RelayClient.register(relay.url, alice)
        revoke = ("card", "revoke", alice.card.id.hex(), "--reason", "lost")
        await asyncio.to_thread(run, tmp_path, *revoke)
        assert refusal(await client.next()) == "card_revoked"
        await client.close()
    assert "  revoked " in run(tmp_path, "card", "list")


def test_a_tokens_rate_is_listed(tmp_path: Path) -> None:
    run(tmp_path, "token", "create", "--identity", "*@example.org", "--rate", "trickle")
    assert "rate trickle" in run(tmp_path, "token", "list")


def test_the_folder_and_all_in_it_are_the_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    run(data, "token", "create", "--identity", "*")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [data, *data.iterdir()]}
    assert modes.pop(data) == 0o700
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "create", "--identity", "*", "--expires", "soon"),
        ("token", "create", "--identity", "*", "--uses", "0"),
        ("card", "revoke", "abc"),
        ("serve", "--listen", "nowhere"),
        (),
    ],
)
def test_wrong_usage_ends_with_two(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    data = ("--data", str(tmp_path)) if arguments else ()
    done = complete(*arguments, *data)
    assert done.returncode == 2


async def test_it_listens_on_several_addresses(tmp_path: Path) -> None:
    socket = tmp_path / "relay.sock"
    async with serving(tmp_path / "data", "--listen", f"unix:{socket}") as served:
        assert stat.S_ISSOCK(socket.stat().st_mode)
        assert await served.stop() == 0


async def test_an_address_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    async with serving(tmp_path / "one") as served:
        address = served.url.removeprefix("ws://")
        ended = await asyncio.to_thread(
            complete, "serve", "--data", str(tmp_path / "two"), "--listen", address
        )
    assert ended.returncode == 1
    assert f"cannot listen on {address}: Address already in use" in ended.stderr
