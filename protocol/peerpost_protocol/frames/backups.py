"""Frames about backups that the relay keeps, and about who holds a card that was restored."""

from typing import Annotated

from msgspec import Meta

from peerpost_protocol import limits
from peerpost_protocol.frames.parts import Request
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import Counter, Digest, Milliseconds, WireStruct

BackupVersion = Annotated[int, Meta(ge=1, le=limits.MAX_COUNTER)]
BackupSize = Annotated[int, Meta(ge=1, le=limits.MAX_BACKUP)]
PartCount = Annotated[int, Meta(ge=1, le=limits.MAX_BACKUP_PARTS)]
PartIndex = Annotated[int, Meta(ge=0, le=limits.MAX_BACKUP_PARTS - 1)]
HeaderBytes = Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_BACKUP_HEADER)]
LockBytes = Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_BACKUP_LOCK)]
PartBytes = Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_BACKUP_PART)]


class BackupFetch(WireStruct, frozen=True):
    """Be one time that a backup was handed out: to which card, and which version."""

    number: Counter
    at_ms: Milliseconds
    card: Digest
    version: Counter


class PutBackup(WireStruct, frozen=True, tag="put_backup"):
    """Begin to store a backup; the parts of its bulk follow."""

    request: Request
    version: BackupVersion
    header: HeaderBytes
    lock: LockBytes
    size: BackupSize


class PutBackupPart(WireStruct, frozen=True, tag="put_backup_part"):
    """Store the next part of a bulk; with the last one the backup takes the place of the one before."""

    request: Request
    version: BackupVersion
    index: PartIndex
    data: PartBytes


class PutBackupLock(WireStruct, frozen=True, tag="put_backup_lock"):
    """Replace the lock of the stored backup: its passphrase has changed."""

    request: Request
    version: BackupVersion
    lock: LockBytes


class ShowBackup(WireStruct, frozen=True, tag="show_backup"):
    """Ask what is stored, and who fetched it after a number."""

    request: Request
    fetched_after: Counter


class FetchBackup(WireStruct, frozen=True, tag="fetch_backup"):
    """Ask for the identity's backup. Counted, limited, and told to the identity's other cards."""

    request: Request


class ReadBackupPart(WireStruct, frozen=True, tag="read_backup_part"):
    """Read a part of the bulk that was fetched in this session."""

    request: Request
    version: BackupVersion
    index: PartIndex


class DestroyBackup(WireStruct, frozen=True, tag="destroy_backup"):
    """Destroy the stored backup, by a statement that a live card of the identity has signed."""

    request: Request
    destruction: Signed


class HoldCard(WireStruct, frozen=True, tag="hold_card"):
    """Say which holder of a restored card this is; a higher one than before takes the card over."""

    request: Request
    holder: BackupVersion
    mark: Annotated[bytes, Meta(min_length=16, max_length=16)]


class BackupShown(WireStruct, frozen=True, tag="backup_shown"):
    """Answer `show_backup`; version 0: there is none."""

    request: Request
    version: Counter
    size: Counter
    stored_at_ms: Milliseconds
    card: Digest | None
    fetches: Annotated[tuple[BackupFetch, ...], Meta(max_length=limits.MAX_BACKUP_FETCHES)]


class BackupFetched(WireStruct, frozen=True, tag="backup_fetched"):
    """Answer `fetch_backup`; the parts are read one by one."""

    request: Request
    version: BackupVersion
    header: HeaderBytes
    lock: LockBytes
    size: BackupSize
    parts: PartCount


class BackupPart(WireStruct, frozen=True, tag="backup_part"):
    """Answer `read_backup_part`."""

    request: Request
    version: BackupVersion
    index: PartIndex
    data: PartBytes


class BackupNotice(WireStruct, frozen=True, tag="backup_notice"):
    """Say that another card of the identity has fetched the backup."""

    fetch: BackupFetch
