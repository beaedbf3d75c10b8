"""Both services under a service manager, which the tests themselves are: see tests/support/managed.py."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from peerpost import AsyncClient
from tests.support.managed import Managed, managed, own_abstract_address, unix_listener

WATCHED_USEC = "400000"
SPAN_SECONDS = 0.4
DRAIN_SECONDS = 10  # more than `drain_seconds` of the daemon and what its close takes
STATUS = b'{"jsonrpc":"2.0","id":1,"method":"daemon.status"}\n'


def daemon(folder: Path, **more: Any) -> AbstractAsyncContextManager[Managed]:
    more.setdefault("address", str(folder / "notify"))
    where = ("--data", folder / "data", "--socket", folder / "run" / "s")
    return managed("peerpostd", *where, **more)


def relay(folder: Path, **more: Any) -> AbstractAsyncContextManager[Managed]:
    where = ("serve", "--data", folder / "relay", "--listen", "127.0.0.1:0")
    return managed("peerpost-relay", *where, address=str(folder / "notify"), **more)


@pytest.fixture
def credentials(tmp_path: Path) -> str:
    directory = tmp_path / "credentials"
    directory.mkdir(mode=0o700)
    (directory / "peerpost-passphrase").write_text("correct horse")
    return str(directory)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[socket.socket]:
    with unix_listener(tmp_path / "door") as door:
        yield door


@pytest.fixture(params=[daemon, relay])
async def service(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Managed]:
    """Be each of the two, ready, with a watchdog."""
    watched = {"WATCHDOG_USEC": WATCHED_USEC, "own_pid": ["WATCHDOG_PID"]}
    async with request.param(tmp_path, **watched) as service:
        await service.tells("READY=1")
        yield service


async def test_a_service_says_that_it_is_ready_and_where(service: Managed) -> None:
    ready, status = service.told[-1]
    assert ready == "READY=1"
    assert status.startswith(("STATUS=ready on /", "STATUS=listening on 127.0.0.1:"))


async def test_a_service_feeds_its_watchdog(service: Managed) -> None:
    for _ in range(3):
        async with asyncio.timeout(SPAN_SECONDS * 5):  # the machine may be busy
            await service.tells("WATCHDOG=1")


async def test_a_reload_has_a_beginning_and_an_end(service: Managed) -> None:
    await service.signal(signal.SIGHUP)
    _, at = await service.tells("RELOADING=1")
    assert at.startswith("MONOTONIC_USEC=")
    assert int(at.partition("=")[2]) > 0
    await service.tells("READY=1")


async def test_a_service_says_that_it_stops(service: Managed) -> None:
    await service.signal(signal.SIGTERM)
    await service.tells("STOPPING=1")
    assert await service.end() == 0


async def test_a_stopped_event_loop_feeds_nothing(service: Managed) -> None:
    await service.tells("WATCHDOG=1")
    await service.signal(signal.SIGSTOP)
    while not await service.tells_nothing(SPAN_SECONDS):
        pass
    await service.signal(signal.SIGCONT)
    await service.tells("WATCHDOG=1")


async def test_a_store_that_takes_no_write_feeds_nothing_until_it_does(tmp_path: Path) -> None:
    async with relay(tmp_path, WATCHDOG_USEC=WATCHED_USEC) as service:
        await service.tells("WATCHDOG=1")
        with closing(sqlite3.connect(tmp_path / "relay/relay.sqlite")) as other:
            other.isolation_level = None
            other.execute("BEGIN IMMEDIATE")
            await service.tells("STATUS=not well: .*")
            assert await service.tells_nothing(3 * SPAN_SECONDS)
            other.execute("ROLLBACK")
        await service.tells("WATCHDOG=1")
        await service.tells("STATUS=well again")


async def test_an_abstract_address_is_told_too(tmp_path: Path) -> None:
    async with daemon(tmp_path, address=own_abstract_address()) as service:
        await service.tells("READY=1")


async def test_the_watchdog_of_another_process_is_not_ours(tmp_path: Path) -> None:
    others = {"WATCHDOG_USEC": WATCHED_USEC, "WATCHDOG_PID": "1"}
    async with daemon(tmp_path, **others) as service:
        await service.tells("READY=1")
        assert await service.tells_nothing(3 * SPAN_SECONDS)


async def test_a_credential_opens_the_vault(tmp_path: Path, credentials: str) -> None:
    for _ in range(2):  # made, then opened
        async with daemon(tmp_path, CREDENTIALS_DIRECTORY=credentials) as service:
            assert (await service.tells("READY=1"))[1].endswith("state=ready")
            await service.signal(signal.SIGTERM)
            assert await service.end() == 0
        (tmp_path / "notify").unlink()


async def test_a_caller_waits_at_a_passed_socket_until_the_daemon_is_there(
    tmp_path: Path, door: socket.socket
) -> None:
    reader, writer = await asyncio.open_unix_connection(tmp_path / "door")
    writer.write(STATUS)
    async with daemon(tmp_path, passed=[door], passed_name="peerpost"):
        answer = json.loads(await reader.readline())
    assert answer["result"]["socket"] == str(tmp_path / "door")
    writer.close()
    await writer.wait_closed()


async def test_a_passed_socket_stays_when_the_daemon_goes(
    tmp_path: Path, door: socket.socket
) -> None:
    async with daemon(tmp_path, passed=[door], passed_name="peerpost") as service:
        await service.tells("READY=1")
        await service.signal(signal.SIGTERM)
        assert await service.end() == 0
    assert (tmp_path / "door").is_socket()
    assert not (tmp_path / "run").exists()


async def test_a_passed_socket_of_another_name_is_refused(
    tmp_path: Path, door: socket.socket
) -> None:
    async with daemon(tmp_path, passed=[door], passed_name="peerpostd.socket") as service:
        assert "FileDescriptorName=peerpost" in await service.complaint()
        assert service.process.returncode == 5


async def test_a_passed_socket_that_is_open_to_everybody_is_refused(
    tmp_path: Path, door: socket.socket
) -> None:
    (tmp_path / "door").chmod(0o666)
    async with daemon(tmp_path, passed=[door], passed_name="peerpost") as service:
        assert "SocketMode=0600" in await service.complaint()


async def test_sockets_of_another_process_are_not_ours(tmp_path: Path) -> None:
    others = {"LISTEN_FDS": "1", "LISTEN_PID": "1", "LISTEN_FDNAMES": "peerpost"}
    async with daemon(tmp_path, **others) as service:
        assert str(tmp_path / "run" / "s") in (await service.tells("READY=1"))[1]


async def test_a_daemon_drains_within_its_bound_though_a_listener_waits(
    tmp_path: Path, credentials: str
) -> None:
    async with daemon(tmp_path, CREDENTIALS_DIRECTORY=credentials) as service:
        await service.tells("READY=1")
        async with AsyncClient(str(tmp_path / "run" / "s")) as client:
            await client.call("event.subscribe")
            await service.signal(signal.SIGTERM)
            async with asyncio.timeout(DRAIN_SECONDS):
                assert await service.end() == 0


async def test_the_relay_serves_all_sockets_that_it_was_passed(
    tmp_path: Path, door: socket.socket
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as port:
        async with relay(tmp_path, passed=[port, door], passed_name="peerpost-relay") as service:
            await service.tells("READY=1")
            tcp = await asyncio.open_connection(*port.getsockname())
            unix = await asyncio.open_unix_connection(tmp_path / "door")
            for reader, writer in (tcp, unix):
                writer.write(b"GET /health HTTP/1.1\r\nHost: relay\r\n\r\n")
                assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
                writer.close()
                await writer.wait_closed()
    assert (tmp_path / "door").is_socket()


async def test_a_manager_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    async with daemon(tmp_path, WATCHDOG_USEC=WATCHED_USEC) as service:
        await service.tells("WATCHDOG=1")
        (tmp_path / "notify").unlink()
        async with AsyncClient(str(tmp_path / "run" / "s")) as client:
            assert (await client.call("daemon.status"))["pid"] == service.process.pid
        assert os.path.exists(f"/proc/{service.process.pid}")  # noqa: ASYNC240, PTH110
