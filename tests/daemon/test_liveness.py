"""What the watchdog is fed for: a vault that takes writes, and a link that is not silently stalled."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.health.findings import SILENT_MS
from peerpost_daemon.link.status import LinkState, LinkStatus
from peerpost_daemon.liveness import liveness, stalled
from peerpost_daemon.vault.migrations import touch
from tests.daemon.methods.house import PASSPHRASE, House, house

WRITE, LOOK = True, False


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as home:
        yield home


async def unlocked(home: House) -> Daemon:
    await home.daemon.unlock(PASSPHRASE, create=True)
    return home.daemon


async def test_a_touch_reaches_the_disk(home: House) -> None:
    daemon = await unlocked(home)
    log = daemon.settings.vault.with_name("vault.db-wal")
    before = log.read_bytes()
    await daemon.write(touch)
    assert log.read_bytes() != before


async def test_a_vault_that_takes_writes_is_alive_and_so_is_a_closed_one(home: House) -> None:
    alive = liveness(home.daemon)
    assert await alive(WRITE) is None
    daemon = await unlocked(home)
    assert await alive(WRITE) is None
    await daemon.lock()
    assert await alive(WRITE) is None


async def test_a_vault_that_takes_none_is_not_alive_until_it_does(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = await unlocked(home)
    alive = liveness(daemon)

    def failing(_: object) -> None:
        raise DaemonError("storage_failed", "the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr("peerpost_daemon.liveness.touch", failing)
        assert await alive(WRITE) == "the vault cannot be written (storage_failed)"
    assert await alive(LOOK) == "the vault cannot be written (storage_failed)"
    assert await alive(WRITE) is None
    assert await alive(LOOK) is None


@pytest.mark.parametrize(
    ("state", "heard_ago_ms", "well"),
    [
        (LinkState.ONLINE, SILENT_MS - 1, True),
        (LinkState.ONLINE, SILENT_MS, False),
        (LinkState.ONLINE, None, True),
        (LinkState.WAITING, SILENT_MS * 100, True),
        (LinkState.REFUSED, SILENT_MS * 100, True),
    ],
)
def test_only_a_link_that_is_online_can_be_silent(
    state: LinkState, heard_ago_ms: int | None, well: bool
) -> None:
    status = LinkStatus(state, 0, "wss://relay", heard_ago_ms=heard_ago_ms)
    assert (stalled(status) is None) is well
