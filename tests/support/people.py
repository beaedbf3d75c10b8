"""People, channels and randomness that are the same in every run: tests name them and compare bytes."""

from dataclasses import dataclass
from hashlib import sha256

from peerpost_protocol.card import Card, DeviceKeys, issue_card
from peerpost_protocol.content import Body, Text
from peerpost_protocol.envelope import (
    Envelope,
    Placement,
    RandomBytes,
    parse_envelope,
    seal,
    verify_envelope,
)
from peerpost_protocol.roster import (
    Add,
    Change,
    Create,
    Identities,
    Member,
    Remove,
    Role,
    Roster,
    RosterEvent,
    apply_event,
    sign_event,
)
from peerpost_protocol.signing import SigningKey

NOW_MS = 1_750_000_000_000


@dataclass(frozen=True)
class Person:
    """Be one device of somebody: private keys and the card over them."""

    keys: DeviceKeys
    card: Card

    @property
    def identity(self) -> str:
        return self.card.identity


@dataclass(frozen=True)
class Channel:
    """Be a channel as a member knows it: its events and the roster after the last one."""

    events: tuple[RosterEvent, ...]
    roster: Roster

    @property
    def id(self) -> bytes:
        return self.roster.channel


def random_bytes(seed: str) -> RandomBytes:
    """Return a source that gives the same bytes in every run, different ones at each call."""
    calls = 0

    def draw(length: int) -> bytes:
        nonlocal calls
        calls += 1
        blocks = (sha256(f"{seed} {calls} {n}".encode()).digest() for n in range(length // 32 + 1))
        return b"".join(blocks)[:length]

    return draw


def digest(name: str) -> bytes:
    """Return 32 bytes that stand for something that only needs to be named."""
    return sha256(name.encode()).digest()


def device_keys(name: str) -> DeviceKeys:
    """Return the private keys of a device by its name."""
    return DeviceKeys(digest(f"{name} signs"), digest(f"{name} decrypts"))


def relay_key() -> SigningKey:
    """Return the key of the relay of the tests."""
    return SigningKey(digest("relay signs"))


def person(name: str, *, device: str = "laptop") -> Person:
    """Return `name@example.org` on a device; the same name and device are the same keys and card."""
    keys = device_keys(f"{name} {device}")
    return Person(keys, issue_card(keys, f"{name}@example.org", device, NOW_MS))


def member(who: Person, role: Role = Role.MEMBER) -> Member:
    """Return the roster's entry for a person with one device."""
    return Member(who.identity, role, (who.card.id,))


def channel_of(owner: Person, *others: Person, name: str = "ops", direct: bool = False) -> Channel:
    """Return a new channel that `owner` created for all."""
    members = (member(owner, Role.OWNER), *(member(other) for other in others))
    change = Create("" if direct else name, direct, members, digest(f"nonce of {name}"))
    event = sign_event(owner.keys.signing, owner.card, None, change, NOW_MS)
    return Channel((event,), apply_event(None, event))


def changed(channel: Channel, author: Person, change: Change) -> Channel:
    """Return the channel after a change by `author`; raise RosterError."""
    event = sign_event(author.keys.signing, author.card, channel.roster, change, NOW_MS)
    return Channel((*channel.events, event), apply_event(channel.roster, event))


def added(channel: Channel, author: Person, *people: Person) -> Channel:
    """Return the channel after `author` added people."""
    return changed(channel, author, Add(tuple(member(who) for who in people)))


def removed(channel: Channel, author: Person, *people: Person) -> Channel:
    """Return the channel after `author` removed people."""
    identities: Identities = tuple(who.identity for who in people)
    return changed(channel, author, Remove(identities))


def placement(
    channel: Channel, sequence: int = 1, previous: bytes | None = None, message: str = ""
) -> Placement:
    """Return a place for an envelope under the channel's current roster."""
    id_ = digest(message or f"message {sequence}")[:16]
    roster = channel.roster
    return Placement(roster.channel, roster.position, roster.head, sequence, previous, id_, NOW_MS)


def sealed(
    sender: Person,
    channel: Channel,
    *recipients: Person,
    body: Body | None = None,
    place: Placement | None = None,
) -> bytes:
    """Return an encoded envelope for `recipients` (none given: for the sender alone)."""
    place = place or placement(channel)
    cards = [who.card for who in recipients or (sender,)]
    body = body or Text("hello")
    source = random_bytes(f"envelope {place.sequence}")
    return seal(sender.keys, sender.card, cards, place, body, random_bytes=source)[0]


def opened(data: bytes, sender: Person) -> Envelope:
    """Return the verified envelope; raise what its checks raise."""
    return verify_envelope(parse_envelope(data), sender.card)
