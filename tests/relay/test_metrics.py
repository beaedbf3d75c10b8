"""What the relay answers to a scrape."""

import asyncio
import re
import socket
from pathlib import Path

from peerpost_relay.metrics import ROWS
from tests.relay.test_process import COMMAND, get, serving
from tests.support.relay_client import Person, RelayClient


async def ask(path: Path, request: bytes = b"GET /metrics") -> str:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(request + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode()


def figures(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", text, re.MULTILINE)}


async def test_a_scrape_shows_what_the_relay_does(tmp_path: Path) -> None:
    where = tmp_path / "metrics"
    options = ("--set", f"metrics=unix:{where}", "--allow-unverified")
    async with serving(tmp_path / "data", *options) as relay:
        before = figures(await ask(where))
        client = await RelayClient.register(relay.url, Person("alice@example.org"))
        after = figures(await ask(where))
        await client.close()
    absent = "peerpost_relay_certificate_expires_timestamp_seconds"
    assert {row.name for row in ROWS} - set(after) == {absent}
    assert (after["peerpost_relay_well"], after["peerpost_relay_sessions"]) == (1, 1)
    grown = "peerpost_relay_operations_total"
    assert after[grown] > before[grown]
    assert after["process_resident_memory_bytes"] > 0


async def test_health_and_metrics_say_the_same(tmp_path: Path) -> None:
    where = tmp_path / "metrics"
    async with serving(tmp_path / "data", "--set", f"metrics=unix:{where}") as relay:
        status, health = await asyncio.to_thread(get, relay.url + "/health")
        shown = figures(await ask(where))
    assert (status == 200) is health["well"] is (shown["peerpost_relay_well"] == 1)
    assert health["stopping"] is (shown["peerpost_relay_stopping"] == 1)


async def test_nothing_else_is_answered(tmp_path: Path) -> None:
    where = tmp_path / "metrics"
    async with serving(tmp_path / "data", "--set", f"metrics=unix:{where}"):
        assert "404 Not Found" in await ask(where, b"GET /")
        assert "405 Method" in await ask(where, b"POST /metrics")


async def test_an_address_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "{}:{}".format(*taken.getsockname())
        ended = await asyncio.create_subprocess_exec(
            *(*COMMAND, "serve", "--data", tmp_path, "--set", f"metrics={address}"),
            *("--listen", "127.0.0.1:0"),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await ended.communicate()
    assert ended.returncode == 1
    assert f"cannot listen on {address} for metrics: Address already in use" in said.decode()
