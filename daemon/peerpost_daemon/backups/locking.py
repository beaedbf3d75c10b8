"""Locks of backups: the passphrase in its one form, and one derivation at a time: each takes much memory."""

import asyncio
import threading
from collections.abc import Callable

from peerpost_daemon.backups.errors import named
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.passphrase import prepared
from peerpost_protocol.backup import BackupLock, Cost, lock_key, unlock_key
from peerpost_protocol.backup.lock import NONCE_BYTES, SALT_BYTES

MIN_PASSPHRASE_BYTES = 8

_one_at_a_time = threading.Lock()


async def lock(
    key: bytes, passphrase: str, header: bytes, cost: Cost, random_bytes: Callable[[int], bytes]
) -> BackupLock:
    """Return a new lock. Raises DaemonError invalid_params for a short passphrase, too_large without memory."""
    secret = prepared(passphrase)
    if len(secret) < MIN_PASSPHRASE_BYTES:
        message = (
            f"A backup's passphrase has at least {MIN_PASSPHRASE_BYTES} bytes: it stands alone."
        )
        raise DaemonError("invalid_params", message, field="passphrase")

    def work() -> BackupLock:
        with _one_at_a_time, named():
            salt, nonce = random_bytes(SALT_BYTES), random_bytes(NONCE_BYTES)
            return lock_key(key, secret, header, cost, salt=salt, nonce=nonce)

    return await asyncio.to_thread(work)


async def unlock(found: BackupLock, passphrase: str, header: bytes) -> bytes:
    """Return the data key. Raises DaemonError wrong_passphrase, bad_backup, too_large."""
    secret = prepared(passphrase)

    def work() -> bytes:
        with _one_at_a_time, named():
            return unlock_key(found, secret, header)

    return await asyncio.to_thread(work)
