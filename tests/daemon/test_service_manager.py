"""The protocols by themselves; tests/end_to_end/test_service_manager.py speaks them with processes."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

import peerpost_daemon.service_manager
import peerpost_relay.service_manager
from peerpost_daemon.service_manager import ServiceManager, passed_sockets, status_line

SPAN_SECONDS = 0.04


@pytest.fixture
def hearing(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as hearing:
        hearing.bind(str(tmp_path / "notify"))
        yield hearing


async def told(hearing: socket.socket) -> str:
    async with asyncio.timeout(10):
        return (await asyncio.get_running_loop().sock_recv(hearing, 4096)).decode()


def feeding(
    hearing: socket.socket, alive: Callable[[bool], Awaitable[str | None]]
) -> asyncio.Task[None]:
    manager = ServiceManager(hearing.getsockname(), SPAN_SECONDS)
    return asyncio.create_task(manager.feed(alive))


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_both_packages_have_the_same_file() -> None:
    files = (peerpost_daemon.service_manager.__file__, peerpost_relay.service_manager.__file__)
    one, other = (Path(file).read_bytes() for file in files)
    assert one == other


async def test_trouble_is_told_instead_of_a_sign_of_life_until_it_is_over(
    hearing: socket.socket,
) -> None:
    answers = iter(["the vault\ncannot be written", "the vault\ncannot be written"])

    async def alive(write: bool) -> str | None:
        return next(answers, None)

    task = feeding(hearing, alive)
    heard = [await told(hearing) for _ in range(3)]
    await ended(task)
    assert heard == [
        "STATUS=not well: the vault cannot be written",
        "WATCHDOG=1",
        "STATUS=well again",
    ]


async def test_after_trouble_only_a_real_write_shows_that_all_is_well(
    hearing: socket.socket,
) -> None:
    asked: list[bool] = []

    async def alive(write: bool) -> str | None:
        asked.append(write)
        return None if len(asked) > 3 else "the disk hangs"

    task = feeding(hearing, alive)
    heard = [await told(hearing) for _ in range(2)]
    await ended(task)
    assert heard == ["STATUS=not well: the disk hangs", "WATCHDOG=1"]
    assert asked[:4] == [True, True, True, True]


async def test_a_question_that_is_not_answered_is_trouble(hearing: socket.socket) -> None:
    async def alive(write: bool) -> str | None:
        await asyncio.Event().wait()
        return None

    task = feeding(hearing, alive)
    assert (await told(hearing)).startswith("STATUS=not well: no answer for ")
    await ended(task)


async def test_each_span_has_one_real_write(hearing: socket.socket) -> None:
    asked: list[bool] = []

    async def alive(write: bool) -> str | None:
        asked.append(write)
        return None

    task = feeding(hearing, alive)
    for _ in range(4):
        await told(hearing)
    await ended(task)
    assert asked[:4] == [True, False, True, False]


@pytest.mark.parametrize("span", ["", "0", "-5", "soon", "9" * 30])
def test_a_span_that_is_none_is_no_watchdog(span: str) -> None:
    assert ServiceManager.of({"WATCHDOG_USEC": span}).watchdog_seconds is None


def test_the_variables_are_for_us_alone() -> None:
    environment = {"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "1", "LISTEN_FDS": "1", "PATH": "/bin"}
    ServiceManager.of(environment)
    assert passed_sockets(environment, "peerpost") == []
    assert environment == {"PATH": "/bin"}


@pytest.mark.parametrize("address", ["relative", "vsock:2:1", "@" + "x" * 200, "/\0", "/gone"])
def test_an_address_that_cannot_be_told_harms_nobody(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    ServiceManager(address).tell("READY=1")
    assert "was not told READY=1" in caplog.text


@pytest.mark.parametrize("count", ["17", "-1", "many", "1e1"])
def test_a_count_of_sockets_is_a_small_number(count: str) -> None:
    with pytest.raises(OSError, match="LISTEN_FDS"):
        passed_sockets({"LISTEN_FDS": count, "LISTEN_PID": str(os.getpid())}, "peerpost")


def test_a_status_is_one_line() -> None:
    assert status_line("all\nis  well" + "x" * 1_000) == "STATUS=all is well" + "x" * 489
