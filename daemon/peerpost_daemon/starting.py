"""Before the vault is opened: refuse a start that would damage or strand it."""

import logging
import os
from contextlib import suppress

from peerpost_daemon.daemon import now_ms
from peerpost_daemon.errors import DaemonStartError
from peerpost_daemon.health.gathering import disk
from peerpost_daemon.settings import DaemonSettings
from peerpost_protocol.starting import Found, clock_fault, room_fault

log = logging.getLogger(__name__)


def check_start(settings: DaemonSettings, *, check_clock: bool) -> None:
    """Raise DaemonStartError when the disk is full or the clock far off."""
    free_bytes, _ = disk(settings.data)
    found = Found(str(settings.data), now_ms(), _written_ms(settings), free_bytes)
    if fault := room_fault(found):
        raise DaemonStartError("disk_full", f"{fault}.")
    if check_clock and (fault := clock_fault(found)):
        raise DaemonStartError("clock_wrong", f"{fault}.")
    if not os.path.lexists(settings.key_file):
        log.warning("there is no vault in %s: the passphrase makes a new one", settings.data)


def _written_ms(settings: DaemonSettings) -> int | None:
    times = []
    for path in (settings.vault, settings.vault.with_name(f"{settings.vault.name}-wal")):
        with suppress(OSError):
            times.append(path.stat().st_mtime_ns // 1_000_000)
    return max(times, default=None)
