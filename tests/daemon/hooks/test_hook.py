"""Hooks on a real vault: what a program or an address is given, and what becomes of the event."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.hooks import hook as hook_module
from peerpost_daemon.hooks.hook import LONGEST_DELAY_SECONDS, delay_after
from peerpost_daemon.hooks.settings import HookSettings, check
from tests.daemon.methods.house import BOB, House, house, message_by

HANDLE = 'cat > "$1/$PEERPOST_CURSOR.new" && mv "$1/$PEERPOST_CURSOR.new" "$1/$PEERPOST_CURSOR"'


def program(script: str, *arguments: object, **more: Any) -> HookSettings:
    command = ("/bin/sh", "-c", script, "handler", *map(str, arguments))
    return HookSettings(name="test", exec=command, **more)


@asynccontextmanager
async def told(directory: Path, *hooks: HookSettings, opened: bool = True) -> AsyncIterator[House]:
    """Run a daemon with hooks, and a channel in which Bob can say something."""
    async with house(directory, hooks=hooks) as made:
        if opened:
            await made.open()
            await listening(made)
        yield made


async def listening(alice: House) -> None:
    """Wait until the hooks have subscribed."""
    for hook in alice.daemon.settings.hooks:
        await until(partial(consumer_is_known, alice, hook.consumer))


async def consumer_is_known(alice: House, name: str) -> bool:
    return any(
        one["consumer"] == name for one in (await alice.result("consumer.list"))["consumers"]
    )


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await holds():  # noqa: ASYNC110 - a process of its own rings no bell
            await asyncio.sleep(0.005)


async def shown(alice: House) -> dict[str, Any]:
    found: dict[str, Any] = await alice.result("consumer.show", consumer="hook:test")
    return found


async def dead(alice: House) -> list[dict[str, Any]]:
    found = await alice.result("event.dead_letters", consumer="hook:test")
    return list(found["dead_letters"])


async def test_a_program_gets_the_event_and_is_done_with_it(tmp_path: Path) -> None:
    async with told(tmp_path, program(HANDLE, tmp_path)) as alice:
        await alice.arrived(message_by(BOB, await alice.channel(BOB), "hello"))
        await until(lambda: _acknowledged(alice))
    event = json.loads(written(tmp_path)[0])
    assert (event["kind"], event["attempt"], event["data"]["text"]) == ("message", 1, "hello")


def written(directory: Path) -> list[str]:
    return [path.read_text() for path in directory.iterdir() if path.name.isdigit()]


def marks(directory: Path) -> int:
    return len(list(directory.glob("*.now")))


async def _acknowledged(alice: House) -> bool:
    state = await shown(alice)
    return state["acknowledged_at_ms"] is not None and state["in_flight"] == 0


async def test_failures_end_in_a_dead_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_module, "delay_after", lambda _: 0.01)
    async with told(tmp_path, program("exit 3", max_attempts=3)) as alice:
        await alice.arrived(message_by(BOB, await alice.channel(BOB), "hello"))
        await until(lambda: _has_dead(alice))
        (letter,) = await dead(alice)
    assert (letter["attempts"], letter["reason"]) == (3, "refused")


async def _has_dead(alice: House) -> bool:
    return bool(await dead(alice))


async def test_a_program_that_is_not_there_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_module, "delay_after", lambda _: 0.01)
    hook = HookSettings(name="test", exec=("/no/such/program",), max_attempts=1)
    async with told(tmp_path, hook) as alice:
        await alice.arrived(message_by(BOB, await alice.channel(BOB), "hello"))
        await until(lambda: _has_dead(alice))


async def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    slow = program("sleep 300 & wait", timeout_seconds=0.2, max_attempts=1)
    async with told(tmp_path, slow) as alice:
        await alice.arrived(message_by(BOB, await alice.channel(BOB), "hello"))
        await until(lambda: _has_dead(alice))


async def test_a_hook_waits_for_the_vault_to_be_opened(tmp_path: Path) -> None:
    async with told(tmp_path, program(HANDLE, tmp_path), opened=False) as alice:
        await alice.open()
        await listening(alice)


async def test_no_more_run_at_once_than_allowed(tmp_path: Path) -> None:
    script = 'touch "$1/$PEERPOST_CURSOR.now"; until [ -e "$1/go" ]; do sleep 0.01; done'
    async with told(tmp_path, program(script, tmp_path, concurrency=2)) as alice:
        channel = await alice.channel(BOB)
        for number in range(3):
            await alice.arrived(message_by(BOB, channel, f"hello {number}"))
        await until(lambda: _count(tmp_path, 2))
        assert (await shown(alice))["in_flight"] == 2
        (tmp_path / "go").touch()
        await until(lambda: _count(tmp_path, 3))


async def _count(directory: Path, number: int) -> bool:
    return marks(directory) == number


async def test_what_a_hook_does_is_ended_with_the_daemon(tmp_path: Path) -> None:
    script = 'echo $$ > "$1/pid.new"; mv "$1/pid.new" "$1/pid"; sleep 300'
    async with told(tmp_path, program(script, tmp_path)) as alice:
        await alice.arrived(message_by(BOB, await alice.channel(BOB), "hello"))
        await until(lambda: _exists(tmp_path / "pid"))
    assert not is_running((tmp_path / "pid").read_text().strip())


async def _exists(path: Path) -> bool:
    return os.access(path, os.F_OK)


def is_running(pid: str) -> bool:
    return Path(f"/proc/{pid}/fd").exists()


async def test_the_environment_of_the_daemon_is_not_the_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/secret/place")
    async with told(
        tmp_path, program('env > "$1/env.new"; mv "$1/env.new" "$1/env"', tmp_path)
    ) as alice:
        await alice.arrived(message_by(BOB, await alice.channel(BOB), "hidden text"))
        await until(lambda: _exists(tmp_path / "env"))
    text = (tmp_path / "env").read_text()
    assert "PEERPOST_FROM=bob@example.org\n" in text
    assert f"PEERPOST_SOCKET={tmp_path / 'run' / 's'}\n" in text
    assert "secret" not in text
    assert "hidden" not in text


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ([{"name": "a"}], "either exec or url"),
        ([{"name": "a", "exec": ("x",), "url": "https://example.org"}], "either exec or url"),
        ([{"name": "a", "exec": ("x",)}, {"name": "a", "exec": ("y",)}], "two of this name"),
        ([{"name": "a", "exec": ("x",), "secret_file": Path("s")}], "goes with url"),
        ([{"name": "a", "url": "http://example.org/"}], "https://HOST"),
        ([{"name": "a", "url": "https://user:word@example.org/"}], "https://HOST"),
        ([{"name": "a", "url": "file:///etc/passwd"}], "https://HOST"),
        ([{"name": "a", "url": "https://[::1"}], "https://HOST"),
        ([{"name": "a", "url": f"https://{'x' * 64}.org"}], "https://HOST"),
        ([{"name": "a", "url": "https://example.org/a b"}], "https://HOST"),
    ],
)
def test_a_hook_that_cannot_work_is_named(hooks: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(DaemonError, match=said):
        check(tuple(HookSettings(**hook) for hook in hooks))


def test_tries_come_later_each_time_up_to_a_bound() -> None:
    assert 0.5 <= delay_after(1) <= 1.0
    assert 2.0 <= delay_after(3) <= 4.0
    assert delay_after(10_000) <= LONGEST_DELAY_SECONDS
