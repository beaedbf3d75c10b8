"""Who may upload and read a blob: the rules, in a transaction.

Checks of an upload, in their order (docs/protocol/frames.md, "begin_upload"):
 1. the card counts, the channel exists for it, and it is a present member
 2. the blob is not larger than one may be
 3. what the channel has already is there for this card too
 4. an upload that this card has begun goes on, if it is of the same size
 5. it has not expired
 6. card, identity, channel, store and disk have room for all of it

A blob is read by who is a member of its channel now. Its id is not a secret, and nothing else decides.

It is removed by the identity that uploaded it, by any card of it that counts, and by owners and admins of its channel,
who may delete the message as well. What several cards have uploaded goes copy by copy: nobody but an admin takes
another's away.
"""

from msgspec import Struct

from peerpost_protocol.frames import BeginUpload, RemoveBlob
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.roster import Role
from peerpost_relay.errors import RefusalError
from peerpost_relay.publishing import channel_for, require_member, standing
from peerpost_relay.settings import RelaySettings
from peerpost_relay.store import Channel, Snapshot, Standing, StoredBlob, Transaction

_MODERATORS = (Role.OWNER, Role.ADMIN)


class Fresh(Struct, frozen=True):
    """Be what a new upload gets: the time, the name of its file, the bytes free on the disk."""

    now_ms: int
    name: str
    free_bytes: int


def begin(
    transaction: Transaction, asked: BeginUpload, sender: bytes, fresh: Fresh, bounds: RelaySettings
) -> StoredBlob:
    """Return the blob that is there, the upload that goes on, or a new one; raise RefusalError."""
    card = standing(transaction, sender)
    channel = channel_for(transaction, asked.channel, card)
    require_member(transaction, channel, card)  # 1
    if asked.size > bounds.blob_bytes_max:
        detail = f"a blob has at most {bounds.blob_bytes_max} bytes"
        raise RefusalError(Refusal.TOO_LARGE, detail, field="size")  # 2
    known = transaction.blob(channel.number, asked.blob)
    if known is not None:
        return known  # 3
    begun = transaction.upload(channel.number, asked.blob, card.number)
    if begun is not None:
        return _continued(transaction, asked, begun, fresh.now_ms)  # 4
    blob = StoredBlob(
        number=0,
        id=asked.blob,
        name=fresh.name,
        channel=channel.number,
        card=card.number,
        identity=card.identity,
        size=asked.size,
        expires_at_ms=_expiry(asked, channel, fresh.now_ms, bounds),  # 5
        durable=False,
    )
    _require_room(transaction, blob, fresh, bounds)  # 6
    return transaction.add_blob(blob, fresh.now_ms)


def finish(transaction: Transaction, number: int, sender: bytes, channel_id: bytes) -> None:
    """Make an upload a blob, if its sender is a member still; raise RefusalError."""
    card = standing(transaction, sender)
    require_member(transaction, channel_for(transaction, channel_id, card), card)
    transaction.settle_blob(number)


def find(snapshot: Snapshot, id_: bytes, reader: bytes, channel_id: bytes) -> StoredBlob:
    """Return a blob that a card may read; raise RefusalError."""
    card = standing(snapshot, reader)
    channel = channel_for(snapshot, channel_id, card)
    require_member(snapshot, channel, card)
    found = snapshot.blob(channel.number, id_)
    if found is None:
        raise RefusalError(Refusal.UNKNOWN_BLOB, "the channel has no such blob")
    return found


def remove(transaction: Transaction, asked: RemoveBlob, sender: bytes) -> list[str]:
    """Forget what a card may remove of a blob; return the names of the files. Raise RefusalError.

    A blob that is not there has been removed: asking again changes nothing.
    """
    card = standing(transaction, sender)
    channel = channel_for(transaction, asked.channel, card)
    there = transaction.copies_of_blob(channel.number, asked.blob)
    theirs = there if _moderates(transaction, channel, card) else _of(card, there)
    if there and not theirs:
        raise RefusalError(Refusal.NOT_AN_ADMIN, "it is another member's; an admin may remove it")
    names = [transaction.remove_blob(blob.number) for blob in theirs]
    return [name for name in names if name is not None]


def _of(card: Standing, blobs: list[StoredBlob]) -> list[StoredBlob]:
    return [blob for blob in blobs if blob.identity == card.identity]


def _moderates(transaction: Transaction, channel: Channel, card: Standing) -> bool:
    if transaction.intervals(channel.number, card.number)[-1].last is not None:
        return False
    member = transaction.roster(channel.number).members.get(card.identity)
    return member is not None and member.role in _MODERATORS


def _continued(
    transaction: Transaction, asked: BeginUpload, begun: StoredBlob, now_ms: int
) -> StoredBlob:
    if begun.size != asked.size:
        raise RefusalError(Refusal.WRONG_BLOB, "it was begun with another size", field="size")
    transaction.touch_blob(begun.number, now_ms)
    return begun


def _expiry(asked: BeginUpload, channel: Channel, now_ms: int, bounds: RelaySettings) -> int:
    kept_ms = round(bounds.blob_keep_seconds * 1000)
    latest = now_ms + min(kept_ms, channel.expire_ms or kept_ms)
    if asked.expires_at_ms is None:
        return latest
    if asked.expires_at_ms <= now_ms:
        raise RefusalError(Refusal.EXPIRED, "the blob has expired", field="expires_at_ms")
    return min(latest, asked.expires_at_ms)


def _require_room(
    transaction: Transaction, blob: StoredBlob, fresh: Fresh, bounds: RelaySettings
) -> None:
    used = transaction.blob_usage(blob.channel, blob.identity, blob.card)
    retry = bounds.quota_retry_ms
    if used.uploads >= bounds.uploads_per_card_max:
        detail = f"a card has at most {bounds.uploads_per_card_max} unfinished uploads"
        raise RefusalError(Refusal.TOO_MANY_UPLOADS, detail, retry_after_ms=retry)
    for what, bytes_, most in (
        ("identity", used.identity, bounds.identity_blob_bytes_max),
        ("channel", used.channel, bounds.channel_blob_bytes_max),
        ("store", used.store, bounds.store_blob_bytes_max),
    ):
        if bytes_ + blob.size > most:
            detail = f"the {what} has as many bytes of blobs as it may"
            raise RefusalError(Refusal.QUOTA_EXCEEDED, detail, field=what, retry_after_ms=retry)
    if fresh.free_bytes - blob.size < bounds.blob_free_bytes_min:
        raise RefusalError(Refusal.STORAGE_FULL, "the disk has no room", retry_after_ms=retry)
