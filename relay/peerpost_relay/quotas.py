"""Quotas: how fast a card may write and read, how much an address may ask, how many sessions they may have.

Rates are token buckets; the numbers are those of RelaySettings. What may be stored is checked where it is stored
(publishing.py, membership.py). What things cost:

    a write            1 of the card's writes
    a roster event     20 writes, for the whole roster is read, checked and written, and 1 more for each `MEMBER_BYTES`
                       behind the first `SMALL_EVENT_BYTES`: about what it names a member with
    a statement        500 writes: a history that is not remembered is replayed, up to 20 ms of the writer
    its bytes          as many of the card's bytes
    a read             1 of the card's reads and of its address's for each thing to be looked up: identity, id, channel
    its answer         1 more for each `READ_BYTES`, taken when it is known: it is the next read that waits for it
    a greeting         1 of the address's greetings: `hello`, `authenticate`, and a card of somebody unknown

An address is None for this host itself (addresses.py): then only the card's quotas hold.
"""

import math
from collections.abc import Callable

from peerpost_protocol.frames import ClientFrame, FetchCards, ReadBlob, SearchCards, Subscribe
from peerpost_protocol.refusals import Refusal
from peerpost_relay.buckets import Bucket, Buckets
from peerpost_relay.errors import RefusalError
from peerpost_relay.settings import RelaySettings, Renewable

ROSTER_EVENT_WRITES = 20
SMALL_EVENT_BYTES = 1024
MEMBER_BYTES = 64
STATEMENT_WRITES = 500
READ_BYTES = 64 * 1024


class Quotas(Renewable):
    """Count what each card and each address does. `monotonic`: seconds."""

    def __init__(self, settings: RelaySettings, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._sessions: dict[str, int] = {}
        self.apply(settings)

    def apply(self, settings: RelaySettings) -> None:
        """Count by these from now on; what has been used up of a rate is forgotten."""
        super().apply(settings)
        s = settings
        self._writes = Buckets[bytes](s.writes_per_second, s.writes_burst)
        self._volumes = Buckets[bytes](s.write_bytes_per_second, s.write_bytes_burst)
        self._reads = Buckets[bytes](s.reads_per_second, s.reads_burst)
        self._address_reads = Buckets[str](s.address_reads_per_second, s.address_reads_burst)
        self._greetings = Buckets[str](s.greetings_per_second, s.greetings_burst)

    def write(self, card: bytes, size: int, writes: int = 1) -> None:
        """Count a write of a card; raise RefusalError too_many_requests when it comes too soon."""
        now = self._monotonic()
        asked = ((self._writes.of(card, now), writes), (self._volumes.of(card, now), size))
        self._take("the card publishes faster than it may", now, *asked)

    def read(self, card: bytes, address: str | None, lookups: int) -> None:
        """Count a read of a card from an address; raise RefusalError when it comes too soon."""
        now = self._monotonic()
        asked = [(bucket, lookups) for bucket in self._readers(card, address, now)]
        self._take("the card or its address reads faster than it may", now, *asked)

    def answered(self, card: bytes, address: str | None, lookups: int, size: int) -> None:
        """Count what an answer turned out to need; what is asked next waits for it."""
        now = self._monotonic()
        for bucket in self._readers(card, address, now):
            bucket.lacks(0, now)
            bucket.take(lookups + size // READ_BYTES)

    def greet(self, address: str | None) -> None:
        """Count what an address asks before it is known who asks; raise RefusalError."""
        if address is not None:
            now = self._monotonic()
            asked = (self._greetings.of(address, now), 1)
            self._take("the address begins more sessions than it may", now, asked)

    def arrive(self, address: str | None) -> None:
        """Count a session of an address; raise RefusalError too_many_requests over the bound."""
        if address is None:
            return
        if self._sessions.get(address, 0) >= self._settings.sessions_per_address_max:
            raise _too_many(
                "the address has as many sessions as it may", self._settings.retry_after_ms
            )
        self._sessions[address] = self._sessions.get(address, 0) + 1

    def leave(self, address: str | None) -> None:
        """Count a session of an address no more."""
        if address is None:
            return
        self._sessions[address] -= 1
        if not self._sessions[address]:
            del self._sessions[address]

    def _readers(self, card: bytes, address: str | None, now: float) -> list[Bucket]:
        of_card = self._reads.of(card, now)
        return [of_card] if address is None else [of_card, self._address_reads.of(address, now)]

    def _take(self, detail: str, now: float, *asked: tuple[Bucket, int]) -> None:
        seconds = max(bucket.lacks(tokens, now) for bucket, tokens in asked)
        if seconds > 0:
            raise _too_many(detail, max(1, math.ceil(seconds * 1000)))
        for bucket, tokens in asked:
            bucket.take(tokens)


def _too_many(detail: str, wait_ms: int) -> RefusalError:
    return RefusalError(Refusal.TOO_MANY_REQUESTS, detail, retry_after_ms=wait_ms)


def event_writes(size: int) -> int:
    """Return for how many writes a roster event of so many bytes counts."""
    return ROSTER_EVENT_WRITES + max(0, size - SMALL_EVENT_BYTES) // MEMBER_BYTES


def lookups(asked: ClientFrame) -> int:
    """Return for how many things a read has to look."""
    match asked:
        case SearchCards(identities=identities):
            return len(identities)
        case FetchCards(cards=cards):
            return len(cards)
        case Subscribe(cursors=cursors):
            return 1 + len(cursors)
        case ReadBlob(length=length):
            return 1 + length // READ_BYTES
        case _:
            return 1
