"""The data folder: who can read it, how much room it has, and the key in it."""

import os
from pathlib import Path

from peerpost_protocol.check import Check, failed, passed, private, room, skipped
from peerpost_protocol.signing import SigningKey
from peerpost_relay.data_folder import BLOBS, DATABASE, KEY, SEED_BYTES
from peerpost_relay.settings import RelaySettings

MEBIBYTE = 1_048_576
_PLACES = (("relay_key_file", KEY), ("store_file", DATABASE), ("blobs_folder", BLOBS))


def places(data: Path) -> list[Check]:
    """Judge folder and files; they all belong to the user that serves."""
    try:
        owner = data.lstat().st_uid
    except OSError as error:
        fix = "Name the relay's folder by --data; `peerpost-relay serve` makes a new one."
        return [failed("data_folder", f"{data}: {error.strerror}.", fix)]
    user = os.geteuid() or owner
    named = [("data_folder", data), *((check, data / name) for check, name in _PLACES)]
    return [found for check, path in named if (found := _private(check, path, user))]


def _private(check: str, path: Path, user: int) -> Check | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return failed(check, f"{path}: {error.strerror}.", "Run the doctor as the relay's user.")
    return private(check, str(path), found.st_mode, found.st_uid, user)


def relay_key(data: Path) -> tuple[Check, str | None]:
    """Return whether the key is whole, and its public half in hexadecimal."""
    path = data / KEY
    try:
        seed = path.read_bytes()
    except FileNotFoundError:
        return skipped("relay_key", f"{path} is not there yet"), None
    except OSError as error:
        fix = "Run the doctor as the relay's user."
        return failed("relay_key", f"{path}: {error.strerror}.", fix), None
    if len(seed) != SEED_BYTES:
        fix = "Put back the file, or restore a backup: with another key every daemon refuses this relay."
        return failed(
            "relay_key", f"{path} is damaged: {SEED_BYTES} bytes are expected.", fix
        ), None
    public = SigningKey(seed).public.hex()
    return passed("relay_key", public), public


def disk(data: Path, settings: RelaySettings) -> Check:
    """Judge what is left on the disk: below `blob_free_bytes_min` no file is taken any more."""
    try:
        found = os.statvfs(data)
    except OSError:
        return skipped("disk_space", "there is no data folder yet")
    if found.f_flag & os.ST_RDONLY:
        return failed("disk_space", "the disk is read-only", "Mount it for writing.")
    free_bytes = found.f_bavail * found.f_frsize
    detail = f"{free_bytes // MEBIBYTE} MiB free"
    low_bytes = settings.blob_free_bytes_min
    if free_bytes < low_bytes:
        detail += f", and files are refused below {low_bytes // MEBIBYTE} MiB"
    return room("disk_space", free_bytes, low_bytes, detail)
