"""Open a batch of items: everything that costs cryptography, and nothing that needs the vault.

Pure functions, run in a thread: libsodium lets the event loop turn meanwhile. An item comes out as one of three
things, and none of them is an exception: a verified roster event, a verified envelope with its content, or a fault. One
bad item says nothing about its neighbours.
"""

from collections.abc import Container, Iterable, Mapping, Sequence

from msgspec import Struct

from peerpost_daemon.records.account import EarlierCard
from peerpost_protocol.card import Card, DeviceKeys
from peerpost_protocol.content import Content
from peerpost_protocol.envelope import (
    Envelope,
    EnvelopeClaim,
    parse_envelope,
    recipients_of,
    unseal,
    verify_envelope,
)
from peerpost_protocol.errors import DecryptionError, ProtocolError
from peerpost_protocol.frames import Item, ItemKind, decode_signed
from peerpost_protocol.roster import (
    Add,
    Create,
    RosterClaim,
    RosterEvent,
    parse_event,
    verify_event,
)

UNSUPPORTED = "unsupported_content"


class Fault(Struct, frozen=True):
    """Say why an item is not taken: a kind, a sentence, and what its header claims (unverified)."""

    reason: str
    detail: str
    card: bytes | None = None
    message: bytes | None = None
    sequence: int | None = None


class OpenedEnvelope(Struct, frozen=True):
    """Be a verified envelope and its content; `fault` instead when it did not open for this card.

    Or when its content is of a kind that is not known here.
    """

    envelope: Envelope
    content: Content | None
    fault: Fault | None

    @property
    def closed(self) -> Fault | None:
        """Return why it did not open, None when it did."""
        is_open = self.fault is None or self.fault.reason == UNSUPPORTED
        return None if is_open else self.fault


class OwnEcho(Struct, frozen=True):
    """Be an envelope that claims to be our own: its id is compared with what the outbox knows.

    The id covers header and ciphertext, so nothing else has to be verified; `own.py` opens what the outbox lacks.
    """

    claim: EnvelopeClaim


class Parsed(Struct, frozen=True):
    """Be an item with its unverified claim."""

    item: Item
    claim: RosterClaim | EnvelopeClaim | Fault


Opened = RosterEvent | OpenedEnvelope | OwnEcho | Fault


class Recipient(Struct, frozen=True):
    """Be the card for which envelopes are opened, with its keys, and the earlier ones of this account."""

    card: Card
    keys: DeviceKeys
    earlier: tuple[EarlierCard, ...] = ()

    def own(self, card: bytes) -> Card | None:
        """Return a card of this account, in force or earlier."""
        ours = (self.card, *(each.card for each in self.earlier))
        return next((one for one in ours if one.id == card), None)

    def key_for(self, cards: Container[bytes]) -> tuple[bytes, bytes]:
        """Return the card of ours, the one in force first, among those of an envelope, and its private key."""
        if self.card.id not in cards:
            for each in self.earlier:
                if each.card.id in cards:
                    return each.card.id, each.encryption_private
        return self.card.id, self.keys.encryption_private


class Taking(Struct, frozen=True):
    """Be what taking needs to know: who we are, what time it is, and what was fetched for the items.

    `logs`: verified events of rosters by channel, for the time in which we were no member.
    """

    me: Recipient
    now_ms: int
    cards: Mapping[bytes, Card] = {}
    logs: Mapping[bytes, Sequence[RosterEvent]] = {}


def parse(items: Iterable[Item]) -> list[Parsed]:
    """Parse items; what is malformed becomes a fault."""
    return [Parsed(item, _claim(item)) for item in items]


def cards_named(parsed: Iterable[Parsed]) -> set[bytes]:
    """Return the ids of all cards that the claims name: senders, authors, members."""
    named: set[bytes] = set()
    for one in parsed:
        if isinstance(one.claim, EnvelopeClaim):
            named.add(one.claim.header.sender)
        elif isinstance(one.claim, RosterClaim):
            named |= cards_of_event(one.claim)
    return named


def cards_of_event(claim: RosterClaim) -> set[bytes]:
    """Return the ids of the author's card and of all cards that the event lists."""
    named = {claim.body.author}
    if isinstance(claim.body.change, Create | Add):
        for member in claim.body.change.members:
            named.update(member.cards)
    return named


def open_items(
    parsed: Iterable[Parsed], cards: Mapping[bytes, Card], recipient: Recipient
) -> list[tuple[Item, Opened]]:
    """Verify and decrypt; `cards` are the verified cards by id, as far as they could be had."""
    return [(one.item, _open(one.claim, cards, recipient)) for one in parsed]


def _claim(item: Item) -> RosterClaim | EnvelopeClaim | Fault:
    try:
        if item.kind is ItemKind.ROSTER_EVENT:
            return parse_event(decode_signed(item.body))
        return parse_envelope(item.body)
    except ProtocolError as error:
        return Fault(error.kind, str(error))


def _open(
    claim: RosterClaim | EnvelopeClaim | Fault, cards: Mapping[bytes, Card], recipient: Recipient
) -> Opened:
    if isinstance(claim, Fault):
        return claim
    if isinstance(claim, RosterClaim):
        return _open_event(claim, cards)
    if recipient.own(claim.header.sender) is not None:
        return OwnEcho(claim)
    return open_envelope(claim, cards, recipient)


def _open_event(claim: RosterClaim, cards: Mapping[bytes, Card]) -> RosterEvent | Fault:
    author = cards.get(claim.body.author)
    if author is None:
        return Fault("unknown_card", "the author's card cannot be had", card=claim.body.author)
    try:
        return verify_event(claim, author)
    except ProtocolError as error:
        return Fault(error.kind, str(error), card=claim.body.author)


def open_envelope(
    claim: EnvelopeClaim, cards: Mapping[bytes, Card], recipient: Recipient
) -> OpenedEnvelope | Fault:
    """Verify and decrypt one envelope."""
    header = claim.header
    sender = cards.get(header.sender)
    if sender is None:
        return _fault(claim, "unknown_card", "the sender's card cannot be had")
    try:
        envelope = verify_envelope(claim, sender)
    except ProtocolError as error:
        return _fault(claim, error.kind, str(error))
    try:
        id_, private = recipient.key_for(recipients_of(envelope))
        ours = recipient.own(id_) or recipient.card
        content = unseal(envelope, id_, private, public=ours.body.encryption_key)
    except (DecryptionError, ProtocolError) as error:
        return OpenedEnvelope(envelope, None, _fault(claim, error.kind, str(error)))
    return OpenedEnvelope(envelope, content, None)


def _fault(claim: EnvelopeClaim, reason: str, detail: str) -> Fault:
    header = claim.header
    return Fault(reason, detail, header.sender, header.message, header.sequence)
