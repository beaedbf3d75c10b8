"""Backups: the rules, in a transaction. The relay keeps bytes that it cannot open.

Attackers, and what is done about each (docs/threat-model.md):
- whoever holds a stolen session fetches the backup to guess its passphrase: only a card whose identity is proven gets
  it (`require_proven`), so many times a day, and every time is told to the identity's other cards. Whether the
  passphrase was right is never said to the relay, so every fetch counts as a wrong try
- whoever wants it gone: destroying takes a signature by the key of a live card, for this relay and this version
- whoever fills the disk: one backup and one upload an identity, each bounded; parts come in order and whole
- whoever puts an older version in place: a version is stored once, also after it was destroyed
- whoever stores the highest version, so that none can follow: a version leaps by a bound at most
- two holders of one restored card: the newest one has it, and the one before is ended (`hold`)
"""

from msgspec import Struct

from peerpost_protocol.backup import DestructionBody
from peerpost_protocol.frames import (
    Attestation,
    BackupFetch,
    BackupFetched,
    BackupPart,
    BackupShown,
    CardState,
    HoldCard,
    PutBackup,
    PutBackupLock,
    PutBackupPart,
    ReadBackupPart,
    ShowBackup,
)
from peerpost_protocol.limits import (
    MAX_BACKUP_FETCHES,
    MAX_BACKUP_LEAP,
    MAX_BACKUP_PART,
    MAX_CARDS_PER_ANSWER,
)
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.signing import CARD_TYPE, identifier
from peerpost_relay.backup_store import Holder, StoredBackup, Upload
from peerpost_relay.errors import RefusalError
from peerpost_relay.outcomes import Outcome
from peerpost_relay.publishing import standing
from peerpost_relay.store import Snapshot, StoredCard, Transaction

DAY_MS = 86_400_000
_RANK = {Attestation.UNVERIFIED: 0, Attestation.AUTHORIZED: 1, Attestation.VERIFIED: 2}


class BackupRules(Struct, frozen=True):
    """Be what the operator allows."""

    bytes_max: int
    fetches_per_day: int
    attestation: Attestation


class Granted(Struct, frozen=True):
    """Be a fetch that was let through: its answer, and the cards that are to hear of it."""

    answer: BackupFetched
    fetch: BackupFetch
    cards: tuple[bytes, ...]


class Held(Struct, frozen=True):
    """Be a card's holder as it is now; `taken_over`: another had it before."""

    outcome: Outcome
    holder: Holder
    taken_over: bool


def begin(transaction: Transaction, card: bytes, asked: PutBackup, bytes_max: int) -> Outcome:
    """Begin an upload; raise RefusalError."""
    identity = _counting(transaction, card)
    if asked.size > bytes_max:
        detail = f"a backup may have {bytes_max} bytes here"
        raise RefusalError(Refusal.QUOTA_EXCEEDED, detail, field="size")
    _require_newer(transaction, identity, asked.version)
    upload = Upload(asked.version, asked.header, asked.lock, asked.size, 0, card)
    transaction.begin_backup(identity, upload)
    return Outcome(card, asked.version)


def add_part(transaction: Transaction, card: bytes, asked: PutBackupPart, now_ms: int) -> Outcome:
    """Store the next part, with the last one the backup; a part that is there is accepted again."""
    identity = _counting(transaction, card)
    upload = transaction.backup_upload(identity)
    if upload is None or (upload.version, upload.card) != (asked.version, card):
        raise RefusalError(Refusal.NO_BACKUP, "this version is not being stored by this card")
    if asked.index < upload.parts:
        return Outcome(card, asked.version)
    if asked.index > upload.parts or len(asked.data) != _part_size(upload.size, asked.index):
        raise RefusalError(Refusal.MALFORMED, "parts come in order and whole", field="index")
    transaction.add_backup_part(identity, asked.version, asked.index, asked.data)
    parts = _parts(upload.size)
    if asked.index + 1 == parts:
        _require_newer(transaction, identity, asked.version)
        stored = StoredBackup(
            upload.version, upload.header, upload.lock, upload.size, parts, now_ms, card
        )
        transaction.finish_backup(identity, stored)
    return Outcome(card, asked.version)


def change_lock(transaction: Transaction, card: bytes, asked: PutBackupLock) -> Outcome:
    """Replace the lock of the newest version; raise RefusalError."""
    identity = _counting(transaction, card)
    stored = _stored(transaction, identity)
    if stored.version != asked.version:
        raise RefusalError(Refusal.NO_BACKUP, f"the stored version is {stored.version}")
    transaction.set_lock(identity, asked.lock)
    return Outcome(card, asked.version)


def fetch(
    transaction: Transaction, card: bytes, request: int, now_ms: int, rules: BackupRules
) -> Granted:
    """Hand the backup out, once more; raise RefusalError."""
    identity = standing(transaction, card).identity
    require_proven(transaction, card, rules.attestation)
    stored = _stored(transaction, identity)
    _require_few(transaction, identity, now_ms, rules.fetches_per_day)
    noted = transaction.add_fetch(identity, now_ms, card, stored.version)
    answer = BackupFetched(
        request, stored.version, stored.header, stored.lock, stored.size, stored.parts
    )
    return Granted(answer, noted, _cards_of(transaction, identity))


def require_proven(snapshot: Snapshot, card: bytes, needed: Attestation) -> None:
    """Refuse a card behind whose identity stands less than is needed.

    A successor that waits inherits what stands behind its predecessor, for whose session alone that is: whoever has
    stolen the session would have it for longer than the session lasts.
    """
    found = snapshot.card(card)
    if found is None or _waits(found) or _RANK[found.attestation] < _RANK[needed]:
        detail = f"the backup is for cards that are {needed}: prove the identity first"
        raise RefusalError(Refusal.NOT_PROVEN, detail)


def _waits(card: StoredCard) -> bool:
    return card.state is CardState.UNENDORSED and card.card.body.predecessor is not None


def destroy(transaction: Transaction, card: bytes, body: DestructionBody) -> Outcome:
    """Destroy the version that a verified statement names; raise RefusalError."""
    identity = _counting(transaction, card)
    if _stored(transaction, identity).version != body.version:
        raise RefusalError(Refusal.NO_BACKUP, "the statement names another version")
    transaction.destroy_backup(identity)
    return Outcome(card, body.version)


def hold(transaction: Transaction, card: bytes, asked: HoldCard) -> Held:
    """Let the highest holder have the card; raise RefusalError."""
    _counting(transaction, card)
    before = transaction.holder(card)
    asking = Holder(asked.holder, asked.mark)
    if before is not None and before != asking and asked.holder <= before.number:
        raise RefusalError(Refusal.CARD_TAKEN_OVER, "the card was restored elsewhere")
    if before != asking:
        transaction.set_holder(card, asking)
    return Held(Outcome(card, asked.holder), asking, taken_over=before != asking)


def show(snapshot: Snapshot, identity: str, asked: ShowBackup) -> BackupShown:
    """Say what is stored, and who fetched it."""
    stored = snapshot.backup(identity)
    fetches = tuple(snapshot.fetches(identity, asked.fetched_after, MAX_BACKUP_FETCHES))
    if stored is None or not stored.parts:
        return BackupShown(asked.request, 0, 0, 0, None, fetches)
    return BackupShown(
        asked.request, stored.version, stored.size, stored.stored_at_ms, stored.card, fetches
    )


def read_part(snapshot: Snapshot, identity: str, asked: ReadBackupPart) -> BackupPart:
    """Return a part of the bulk; raise RefusalError."""
    data = snapshot.backup_part(identity, asked.version, asked.index)
    if data is None or _stored(snapshot, identity).version != asked.version:
        raise RefusalError(Refusal.NO_BACKUP, "there is no such part of the backup any more")
    return BackupPart(asked.request, asked.version, asked.index, data)


def _counting(transaction: Transaction, card: bytes) -> str:
    """Return the identity of a live card. One that nobody has endorsed may fetch, once proven, and change nothing."""
    identity = standing(transaction, card).identity
    if card not in _cards_of(transaction, identity):
        raise RefusalError(Refusal.NOT_PROVEN, "this is for cards that count: have it endorsed")
    return identity


def _stored(snapshot: Snapshot, identity: str) -> StoredBackup:
    stored = snapshot.backup(identity)
    if stored is None or not stored.parts:
        raise RefusalError(Refusal.NO_BACKUP, "the relay keeps no backup of this identity")
    return stored


def _require_newer(snapshot: Snapshot, identity: str, version: int) -> None:
    stored = snapshot.backup(identity)
    newest = stored.version if stored is not None else 0
    if newest >= version:
        detail = f"version {newest} is or was stored already"
        raise RefusalError(Refusal.STALE_BACKUP, detail, field="version")
    if version - newest > MAX_BACKUP_LEAP:
        detail = f"the version leaps from {newest} by more than {MAX_BACKUP_LEAP}"
        raise RefusalError(Refusal.MALFORMED, detail, field="version")


def _require_few(snapshot: Snapshot, identity: str, now_ms: int, at_most: int) -> None:
    recent = snapshot.fetches(identity, 0, at_most)
    if len(recent) < at_most or (wait := recent[0].at_ms + DAY_MS - now_ms) <= 0:
        return
    detail = f"the backup was fetched {at_most} times in a day"
    raise RefusalError(Refusal.TOO_MANY_REQUESTS, detail, retry_after_ms=min(wait, DAY_MS))


def _cards_of(snapshot: Snapshot, identity: str) -> tuple[bytes, ...]:
    records = snapshot.live_records(identity, MAX_CARDS_PER_ANSWER)
    return tuple(identifier(CARD_TYPE, record.card.payload) for record in records)


def _parts(size: int) -> int:
    return -(-size // MAX_BACKUP_PART)


def _part_size(size: int, index: int) -> int:
    return min(MAX_BACKUP_PART, size - index * MAX_BACKUP_PART)
