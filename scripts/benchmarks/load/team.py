"""The people of a relay benchmark: cards, one channel, signed envelopes of about 1 KiB.

The ciphertext is opaque to the relay, so it is filler with the generator's mark in it and one wrap
that nobody opens; header, chain, roster and signature are real, and the relay checks all of them.
"""

import os
import time
from collections.abc import Iterator
from hashlib import sha256

from peerpost_daemon.ids import new_message_id
from peerpost_protocol.card import Card, DeviceKeys, issue_card
from peerpost_protocol.content import Text
from peerpost_protocol.envelope import (
    SUITE_SEALED,
    VERSION,
    EnvelopeParts,
    Header,
    Placement,
    Wrap,
    seal,
)
from peerpost_protocol.receipt import ReceiptBody, sign_receipt
from peerpost_protocol.roster import Create, Member, Role, Roster, apply_event, sign_event
from peerpost_protocol.signing import ENVELOPE_TYPE, Signed, identifier
from peerpost_protocol.wire import encode
from scripts.benchmarks.load.generator import marked

ENVELOPE_BYTES = 1024
FILLER = os.urandom(ENVELOPE_BYTES)


def now_ms() -> int:
    """Return the time in ms since 1970."""
    return time.time_ns() // 1_000_000


class Mate:
    """Be an identity with one device, and its chain in the channel."""

    def __init__(self, identity: str) -> None:
        self.keys = DeviceKeys(os.urandom(32), os.urandom(32))
        self.card: Card = issue_card(self.keys, identity, "bench", now_ms())
        self._sequence = 0
        self._head: bytes | None = None

    def envelope(self, roster: Roster, number: int) -> bytes:
        """Return the chain's next envelope, holding a mark, of ENVELOPE_BYTES."""
        wraps = encode((Wrap(self.card.id, FILLER[:32], FILLER[:48]),))
        header = encode(self._header(roster, sha256(wraps).digest()))
        filler = ENVELOPE_BYTES - len(header) - len(wraps) - 64 - 12  # what msgpack adds is 12
        ciphertext = (marked(number) + FILLER)[:filler]
        statement = header + sha256(ciphertext).digest()
        signature = self.keys.signing.signature(ENVELOPE_TYPE, statement)
        self._head = identifier(ENVELOPE_TYPE, statement)
        return encode(EnvelopeParts(header, wraps, ciphertext, signature))

    def sealed(self, roster: Roster, cards: list[Card], text: str) -> bytes:
        """Return the chain's next envelope, really sealed for cards."""
        self._sequence += 1
        place = Placement(
            roster.channel,
            roster.position,
            roster.head,
            self._sequence,
            self._head,
            new_message_id(now_ms(), os.urandom),
            now_ms(),
        )
        data, self._head = seal(
            self.keys, self.card, cards, place, Text(text), random_bytes=os.urandom
        )
        return data

    def receipt(self, channel: bytes, position: int) -> Signed:
        """Return a receipt for everything up to a position."""
        body = ReceiptBody(channel, self.card.id, position, now_ms(), ())
        return sign_receipt(self.keys.signing, body)

    def _header(self, roster: Roster, wraps_digest: bytes) -> Header:
        self._sequence += 1
        return Header(
            VERSION,
            SUITE_SEALED,
            roster.channel,
            roster.position,
            roster.head,
            self.card.id,
            self._sequence,
            self._head,
            new_message_id(now_ms(), os.urandom),
            now_ms(),
            None,
            FILLER[:32],
            wraps_digest,
            None,
        )


class Team:
    """Be the members of one channel; the first one owns it."""

    def __init__(self, mates: list[Mate]) -> None:
        self.mates = mates
        members = tuple(
            Member(mate.card.identity, Role.MEMBER if number else Role.OWNER, (mate.card.id,))
            for number, mate in enumerate(mates)
        )
        owner = mates[0]
        create = Create("bench", direct=False, members=members, nonce=os.urandom(32))
        self.event = sign_event(owner.keys.signing, owner.card, None, create, now_ms())
        self.roster = apply_event(None, self.event)

    @property
    def channel(self) -> bytes:
        """Return the channel's id."""
        return self.roster.channel

    def envelopes(self, first: int, count: int, sender: int = 0) -> Iterator[bytes]:
        """Yield one sender's next envelopes, numbered from `first`."""
        for number in range(first, first + count):
            yield self.mates[sender].envelope(self.roster, number)
