"""The store, as the rest of the relay sees it: values, and what a transaction offers.

Rules (publishing.py, membership.py, directory.py, receipts.py, reading.py) are functions of a
`Snapshot` or `Transaction`. The store runs them where its data is and keeps all of one operation
or nothing: an operation that raises RefusalError is undone alone, and the others of its group
are committed together. Channels and cards are known inside by small numbers, outside by their ids.
"""

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

from msgspec import Struct

from peerpost_protocol.card import Card
from peerpost_protocol.chain import Link
from peerpost_protocol.frames import Attestation, CardRecord, Item
from peerpost_protocol.history import CardState
from peerpost_protocol.roster import Roster
from peerpost_protocol.signing import Signed
from peerpost_relay.backup_store import BackupSnapshot, BackupTransaction, Holder
from peerpost_relay.errors import RefusalError
from peerpost_relay.history_store import HistorySnapshot, HistoryTransaction
from peerpost_relay.replays import Replays

T = TypeVar("T")

ROWS_BYTES = (
    256  # what an envelope or a roster event takes beside its body, with the indexes, rounded up
)


class RateClass(StrEnum):
    """Say how fast the cards of a token may write: so much of what the settings allow."""

    FULL = "full"
    SLOW = "slow"
    TRICKLE = "trickle"


COSTS = {RateClass.FULL: 1, RateClass.SLOW: 10, RateClass.TRICKLE: 100}  # what a write counts


class StoredCard(Struct, frozen=True):
    """Be a card of the directory; its signature was verified when it came in."""

    number: int
    card: Card
    attestation: Attestation
    revoked_at_ms: int | None
    state: CardState
    published_at_ms: int
    token: int | None = None  # the number of the token that permitted it
    rate: RateClass = RateClass.FULL
    forsaken: bool = False  # it rests on a token that has been revoked
    holder: Holder | None = None


class Standing(Struct, frozen=True):
    """Say who a card is for and whether it still counts."""

    number: int
    identity: str
    revoked_at_ms: int | None
    state: CardState


class Token(Struct, frozen=True):
    """Be a permission to publish cards; the token itself is not stored, only its SHA-256."""

    number: int
    identity: str
    created_at_ms: int
    expires_at_ms: int | None
    uses_left: int | None
    revoked_at_ms: int | None
    rate: RateClass = RateClass.FULL


class Channel(Struct, frozen=True):
    """Say where a channel stands.

    `last`: its newest position; `receipts`: its newest receipt revision; `lost`: the newest
    position whose envelope has expired and is gone, 0 when none is. `expire_ms`: how long its
    policy lets envelopes live, None: as long as they say themselves.
    """

    number: int
    id: bytes
    last: int
    roster_position: int
    roster_head: bytes
    receipts: int
    lost: int
    expire_ms: int | None = None


class Interval(Struct, frozen=True):
    """Be the positions a card may read: both ends included, `last` None while it is a member.

    `posts`: it may send envelopes, or might to the end.
    """

    first: int
    last: int | None
    posts: bool = True


class StoredMessage(Struct, frozen=True):
    """Say which envelope a message id stands for, and where it is."""

    envelope: bytes
    position: int


class StoredReceipt(Struct, frozen=True):
    """Be a card's newest receipt in a channel."""

    position: int
    revision: int
    signed: Signed


class Usage(Struct, frozen=True):
    """Say how many bytes are stored in a channel and by an identity: envelopes, roster events, their rows."""

    channel: int
    identity: int


class StoredBlob(Struct, frozen=True):
    """Be a blob, or an upload that is not finished; `name` is its file's, and the relay's own choice."""

    number: int
    id: bytes
    name: str
    channel: int
    card: int
    identity: str
    size: int
    expires_at_ms: int
    durable: bool


class BlobUsage(Struct, frozen=True):
    """Say how many bytes of blobs an identity, a channel and the whole store have, and a card's uploads."""

    identity: int
    channel: int
    store: int
    uploads: int


class Snapshot(BackupSnapshot, HistorySnapshot, Protocol):
    """Offer what is committed at one moment."""

    def card(self, id_: bytes) -> StoredCard | None:
        """Return the card, revoked or not."""

    def standing(self, id_: bytes) -> Standing | None:
        """Return who a card is for, without the card."""

    def records(self, ids: Sequence[bytes]) -> list[CardRecord]:
        """Return the cards of these ids that are known, revoked or not, in the given order."""

    def live_records(self, identity: str, limit: int) -> list[CardRecord]:
        """Return an identity's cards that count, oldest first."""

    def domain_records(self, domain: str, after: str, limit: int) -> list[CardRecord]:
        """Return the live cards of a domain's identities behind one, by identity; none is divided."""

    def waiting_cards(self, identity: str) -> list[StoredCard]:
        """Return an identity's cards that nobody has endorsed, oldest first."""

    def waiting_records(self, identity: str, since_ms: int) -> list[CardRecord]:
        """Return those of them that were published at or after a time."""

    def cards_of(self, identity: str) -> list[tuple[bytes, int]]:
        """Return id and number of every card of an identity that ever counted."""

    def channel(self, id_: bytes) -> Channel | None:
        """Return where a channel stands."""

    def roster(self, channel: int) -> Roster:
        """Return a channel's membership."""

    def roster_of(self, channel: int, identity: str) -> Roster:
        """Return a channel's membership with no more than one of its members."""

    def intervals(self, channel: int, card: int) -> list[Interval]:
        """Return what a card may read of a channel, oldest first; empty when it never was in it."""

    def channels_of(self, card: int, limit: int) -> list[bytes]:
        """Return the ids of the channels that a card is in, then of those that it was in, newest first."""

    def event(self, id_: bytes) -> tuple[bytes, int] | None:
        """Return the channel and position of a stored roster event."""

    def direct_channel(self, pair: str) -> bytes | None:
        """Return the id of the direct channel of two identities."""

    def roster_at(self, channel: int, position: int) -> tuple[int, bytes]:
        """Return position and id of the newest roster event no further than a stream position."""

    def roster_events(self, channel: int, first: int, until: int, limit: int) -> list[Signed]:
        """Return events from roster position `first`, as far as stream position `until`."""

    def items(
        self, channel: int, after: int, until: int, limit: int, bytes_max: int
    ) -> tuple[list[Item], int]:
        """Return items with after < position <= until, and up to where they are complete."""

    def message(self, channel: int, card: int, id_: bytes) -> StoredMessage | None:
        """Return what a sender's message id stands for."""

    def link(self, channel: int, card: int) -> Link | None:
        """Return a sender's newest envelope."""

    def usage(self, channel: int, identity: str) -> Usage:
        """Return the bytes that a channel stores, and that an identity's cards have stored."""

    def receipt(self, channel: int, card: int) -> StoredReceipt | None:
        """Return a card's receipt."""

    def receipts(
        self, channel: int, after: int, until: int, *, besides: int, limit: int, bytes_max: int
    ) -> tuple[list[StoredReceipt], int]:
        """Return the other cards' receipts of after < revision <= until, and how far they go."""

    def receipts_end(self, channel: int, *, besides: int) -> int:
        """Return the revision of the newest receipt by another card, 0 when there is none."""

    def blob(self, channel: int, id_: bytes) -> StoredBlob | None:
        """Return a durable blob of a channel."""

    def upload(self, channel: int, id_: bytes, card: int) -> StoredBlob | None:
        """Return an unfinished upload of a card."""

    def copies_of_blob(self, channel: int, id_: bytes) -> list[StoredBlob]:
        """Return a durable blob of a channel, once for each card that uploaded it."""

    def blob_usage(self, channel: int, identity: str, card: int) -> BlobUsage:
        """Return what counts for the quotas; unfinished uploads count with their whole size."""

    def blob_names(self, after: str, limit: int) -> list[tuple[str, int, bool]]:
        """Return (name, number, durable) of all blobs and uploads in the order of their names."""

    def token(self, digest: bytes) -> Token | None:
        """Return the token with this SHA-256."""

    def tokens(self) -> list[Token]:
        """Return all tokens, oldest first."""


class Transaction(Snapshot, BackupTransaction, HistoryTransaction, Protocol):
    """Offer what may be changed."""

    @property
    def replays(self) -> Replays:
        """Return the histories that the writer remembers."""

    def add_card(
        self,
        card: Card,
        attestation: Attestation,
        now_ms: int,
        *,
        state: CardState = CardState.LIVE,
        token: int | None = None,
    ) -> None:
        """Add a card that is not there."""

    def set_state(
        self, id_: bytes, state: CardState, endorsers: bytes, ended_at_ms: int | None
    ) -> None:
        """Note where a card stands now, the ids of its endorsers in a row, and when it ended."""

    def set_attestation(self, id_: bytes, attestation: Attestation, token: int | None) -> None:
        """Note what stands behind a card now."""

    def drop_card(self, number: int) -> None:
        """Forget a card that never counted."""

    def add_token(
        self,
        digest: bytes,
        identity: str,
        now_ms: int,
        expires_at_ms: int | None,
        uses: int | None,
        *,
        rate: RateClass = RateClass.FULL,
    ) -> int:
        """Add a token; return its number."""

    def use_token(self, number: int) -> None:
        """Count one use."""

    def revoke_token(self, number: int, now_ms: int) -> bool:
        """Revoke a token; tell whether there was a live one."""

    def add_channel(self, id_: bytes, roster: Roster, pair: str | None) -> Channel:
        """Begin a channel whose stream is empty."""

    def set_roster(self, channel: int, roster: Roster) -> None:
        """Replace a channel's membership."""

    def add_event(self, id_: bytes, channel: int, roster_position: int, position: int) -> None:
        """Remember where a roster event stands."""

    def begin_membership(self, channel: int, card: int, first: int, *, posts: bool = True) -> None:
        """Let a card read from a position on, and post or not."""

    def set_posts(self, channel: int, identities: Collection[str], *, posts: bool) -> None:
        """Let the present cards of identities post, or not."""

    def end_membership(self, channel: int, card: int, last: int) -> None:
        """Let a card read no further than a position."""

    def count_channels(self, card: int) -> int:
        """Count the channels that a card is in now."""

    def append(self, channel: Channel, item: Item, expires_at_ms: int | None) -> None:
        """Put an item at `item.position`, which is `channel.last + 1`."""

    def advance(self, channel: int, card: int, message: bytes, newest: Link, position: int) -> None:
        """Remember an envelope as its sender's newest, and its message id."""

    def use(self, channel: int, identity: str, size: int) -> None:
        """Count bytes that were stored."""

    def resume(self, channel: int, card: int, newest: Link) -> None:
        """Remember an envelope that is not stored as its sender's newest."""

    def put_receipt(self, channel: int, card: int, receipt: StoredReceipt) -> None:
        """Replace a card's receipt; `receipt.revision` becomes the channel's."""

    def add_blob(self, blob: StoredBlob, now_ms: int) -> StoredBlob:
        """Add an upload; return it with its number."""

    def touch_blob(self, number: int, now_ms: int) -> None:
        """Note that an upload goes on."""

    def settle_blob(self, number: int) -> None:
        """Note that an upload is durable."""

    def remove_blob(self, number: int) -> str | None:
        """Forget a blob; return the name of its file."""

    def ended_blobs(self, now_ms: int, idle_before_ms: int, limit: int) -> list[int]:
        """Return the numbers of blobs that have expired, and of uploads that nobody goes on with."""

    def touch(self) -> None:
        """Change nothing, but write: so that the commit shows whether the disk takes it."""

    def expire(self, now_ms: int, forget_at_ms: int, limit: int) -> int:
        """Remove up to `limit` envelopes that have expired, but not their message ids; return how many."""

    def forget(self, now_ms: int, limit: int) -> int:
        """Remove up to `limit` message ids of envelopes that expired long ago; return how many."""


Operation = Callable[[Transaction], T]
Query = Callable[[Snapshot], T]


class Store(Protocol):
    """Keep what the relay must not forget."""

    @property
    def epoch(self) -> bytes:
        """Return the 16 bytes that name this store: positions of another one mean nothing."""

    async def write(self, operations: Sequence[Operation[T]]) -> list[T | RefusalError]:
        """Commit a group durably; return each result or refusal, in their order.

        Raises StoreError, and keeps nothing of the group, when it cannot be committed.
        """

    async def read(self, query: Query[T]) -> T:
        """Run a query on one snapshot; raise StoreError."""

    async def read_aside(self, query: Query[T]) -> T:
        """Do the same beside the other queries: for the one task that catches followers up."""

    async def shorten_log(self) -> bool:
        """Take what has been removed out of the log as well; return False when a reader prevents it now.

        Raises StoreError.
        """

    async def close(self) -> None:
        """Close for good."""
