"""The copy of a backup at the relay: store it, lock it anew, fetch it, destroy it; from file to file, in parts."""

import os
from collections.abc import Callable
from pathlib import Path

from peerpost_daemon.asking import Relay, ask, public
from peerpost_daemon.backups.errors import bad_backup
from peerpost_daemon.backups.sealed_file import reading, writing
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.records.account import Account
from peerpost_protocol.backup import (
    MAX_PREAMBLE,
    BackupLock,
    DestructionBody,
    decode_lock,
    encode_lock,
    encode_preamble,
    parse_preamble,
    sign_destruction,
)
from peerpost_protocol.errors import ProtocolError
from peerpost_protocol.frames import (
    Accepted,
    BackupFetched,
    BackupPart,
    BackupShown,
    DestroyBackup,
    FetchBackup,
    PutBackup,
    PutBackupLock,
    PutBackupPart,
    ReadBackupPart,
    ShowBackup,
)
from peerpost_protocol.limits import MAX_BACKUP_PART

_OWN_KINDS = {"no_backup", "not_proven", "too_many_requests"}


class RelayCopy:
    """Ask one relay; every call raises DaemonError as `public` names it, no_backup or not_proven."""

    def __init__(self, relay: Relay, account: Account, now_ms: Callable[[], int]) -> None:
        self._relay = relay
        self._account = account
        self._now_ms = now_ms

    async def put(self, version: int, path: Path) -> None:
        """Store the backup of a file; the one before is the relay's until this one is there."""
        with _refusals(), reading(path) as file:
            preamble = parse_preamble(file.read(MAX_PREAMBLE))
            size = os.fstat(file.fileno()).st_size - preamble.size
            lock = encode_lock(preamble.lock)
            await ask(self._relay, PutBackup(0, version, preamble.header, lock, size), Accepted)
            file.seek(preamble.size)
            index = 0
            while part := file.read(MAX_BACKUP_PART):
                await ask(self._relay, PutBackupPart(0, version, index, part), Accepted)
                index += 1

    async def put_lock(self, version: int, lock: BackupLock) -> None:
        """Replace the lock of a version."""
        with _refusals():
            await ask(self._relay, PutBackupLock(0, version, encode_lock(lock)), Accepted)

    async def fetch(self, path: Path) -> int:
        """Write the relay's backup to a file; return the version that the relay names."""
        with _refusals(), writing(path) as write:
            fetched = await ask(self._relay, FetchBackup(0), BackupFetched)
            write(encode_preamble(decode_lock(fetched.lock), fetched.header))
            left = fetched.size
            for index in range(fetched.parts):
                asked = ReadBackupPart(0, fetched.version, index)
                part = await ask(self._relay, asked, BackupPart)
                write(part.data)
                left -= len(part.data)
            if left:
                raise bad_backup("The relay handed out another number of bytes than it named.")
        return fetched.version

    async def show(self) -> BackupShown:
        """Return what the relay keeps, and its newest fetches."""
        with _refusals():
            return await ask(self._relay, ShowBackup(0, 0), BackupShown)

    async def destroy(self, version: int, relay_key: bytes) -> None:
        """Destroy a version for good."""
        card = self._account.card
        body = DestructionBody(relay_key, card.identity, version, card.id, self._now_ms())
        signed = sign_destruction(self._account.keys.signing, body)
        with _refusals():
            await ask(self._relay, DestroyBackup(0, signed), Accepted)


class _refusals:  # noqa: N801 - used as a statement
    """Turn what the relay and the format say into DaemonError."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RefusedError) and error.kind in _OWN_KINDS:
            wait = error.retry_after_ms / 1000 if error.retry_after_ms else None
            message = f"The relay refused: {error.detail}."
            raise DaemonError(error.kind, message, retry_after=wait) from None
        if isinstance(error, LinkError):
            raise public(error) from None
        if isinstance(error, ProtocolError):
            raise bad_backup(f"The relay's backup: {error.detail}.") from None
