"""Before the store is opened: refuse a start that would damage or strand it."""

import contextlib
import logging
import os

from peerpost_protocol.starting import Found, clock_fault, room_fault
from peerpost_relay.data_folder import DataFolder, written_ms
from peerpost_relay.errors import SetupError
from peerpost_relay.relay import wall_clock

log = logging.getLogger(__name__)


def check_start(folder: DataFolder, *, check_clock: bool) -> None:
    """Raise SetupError when the disk is full or the clock far off; say it when a new store will be made."""
    found = Found(str(folder.path), wall_clock(), written_ms(folder.path), _free_bytes(folder))
    fault = room_fault(found) or (clock_fault(found) if check_clock else None)
    if fault is not None:
        raise SetupError(fault)
    if not folder.database.exists():
        log.warning("there is no store in %s: a new one is made, with a new key", folder.path)


def _free_bytes(folder: DataFolder) -> int | None:
    with contextlib.suppress(OSError):
        disk = os.statvfs(folder.path)
        return disk.f_bavail * disk.f_frsize
    return None
