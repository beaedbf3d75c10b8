"""Whether the daemon is alive: what its watchdog is fed for.

1. The event loop turns: whoever asks here runs on it.
2. The vault, while it is open, takes a write, and its newest ones did not fail.
3. The link is not silently stalled. Being offline is no fault of ours: the link tries again by itself.
"""

from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.health.findings import SILENT_MS
from peerpost_daemon.link import LinkState, LinkStatus
from peerpost_daemon.service_manager import Alive
from peerpost_daemon.vault.database import STORAGE_KINDS, Database
from peerpost_daemon.vault.migrations import touch


def liveness(daemon: Daemon) -> Alive:
    """Return what tells the watchdog what is wrong."""

    async def alive(write: bool) -> str | None:  # noqa: FBT001 - see service_manager.Alive
        try:
            database = daemon.database
        except DaemonError:
            return None  # closed on purpose: nothing but the loop has to work
        return await _vault(database, write=write) or _link(daemon)

    return alive


async def _vault(database: Database, *, write: bool) -> str | None:
    """Return why nothing can be stored (check 2)."""
    trouble = database.trouble
    if write:
        try:
            await database.write(touch)
        except DaemonError as error:
            trouble = error
        else:
            trouble = None
    failing = trouble is not None and trouble.kind in STORAGE_KINDS  # it may be locked meanwhile
    return f"the vault cannot be written ({trouble.kind})" if trouble and failing else None


def _link(daemon: Daemon) -> str | None:
    """Return that the relay is silent (check 3)."""
    return stalled(daemon.running.link_status) if daemon.running else None


def stalled(status: LinkStatus) -> str | None:
    """Return what is wrong when a link that says it is online has heard nothing for SILENT_MS.

    Its own keepalive ends a dead session in less than half of that.
    """
    heard_ago_ms = status.heard_ago_ms or 0
    if status.state is not LinkState.ONLINE or heard_ago_ms < SILENT_MS:
        return None
    return f"the link is online but silent for {heard_ago_ms // 1_000} s"
