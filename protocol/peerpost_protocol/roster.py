"""Rosters: a channel's signed, hash-chained log of membership events.

The relay orders these events and every member replays them: a relay that adds a ghost, hides a removal or changes the
order breaks the chain or a signature. The channel's id is the identifier of its first event, so a channel cannot be
given another beginning.

Each member is listed with the cards that the author of the event knew: members who meet an identity for the first time
here start from the author's knowledge and not from the relay's.

Checks of `apply_event` (docs/protocol/roster.md), after the signature:
 1. a channel begins with `create`, and only begins with it
 2. channel, position and previous event continue the roster
 3. the author's card speaks for a member
 4. the author's role allows the change
 5. the change means something in this roster (nobody added twice, nobody removed who is not there)
 6. the bounds hold afterwards
"""

from enum import StrEnum
from typing import Annotated, assert_never

import msgspec
from msgspec import Meta, Struct

from peerpost_protocol import limits
from peerpost_protocol.card import Card
from peerpost_protocol.errors import RosterError, SignatureError
from peerpost_protocol.identity import Identity
from peerpost_protocol.signing import ROSTER_EVENT_TYPE, Signed, SigningKey, identifier, verify
from peerpost_protocol.wire import Counter, Decoder, Digest, Milliseconds, WireStruct, encode


class Role(StrEnum):
    """Say what a member may do to the roster; everybody in it may read and post."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


Name = Annotated[str, Meta(max_length=limits.MAX_CHANNEL_NAME_CHARACTERS)]
Cards = Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=limits.MAX_CARDS_PER_MEMBER)]


class Member(WireStruct, frozen=True):
    """List an identity, its role, and the cards it was known by when it was added."""

    identity: Identity
    role: Role
    cards: Cards


Members = Annotated[tuple[Member, ...], Meta(min_length=1, max_length=limits.MAX_MEMBERS)]
Identities = Annotated[tuple[Identity, ...], Meta(min_length=1, max_length=limits.MAX_MEMBERS)]


class Create(WireStruct, frozen=True, tag="create"):
    """Begin a channel. `nonce` makes its id unique; a `direct` one has two members for good."""

    name: Name
    direct: bool
    members: Members
    nonce: Digest


class Add(WireStruct, frozen=True, tag="add"):
    """Add members."""

    members: Members


class Remove(WireStruct, frozen=True, tag="remove"):
    """Remove members."""

    identities: Identities


class Leave(WireStruct, frozen=True, tag="leave"):
    """Leave the channel oneself; nobody leaves a direct one."""


Change = Create | Add | Remove | Leave


class RosterEventBody(WireStruct, frozen=True):
    """Say what an event says. `channel` and `previous` are null in the first event only."""

    channel: Digest | None
    position: Counter
    previous: Digest | None
    author: Digest
    at_ms: Milliseconds
    change: Change


class RosterClaim(Struct, frozen=True):
    """Be an event that has been parsed and not verified: good for finding the author's card."""

    id: bytes
    body: RosterEventBody
    signed: Signed


class RosterEvent(Struct, frozen=True):
    """Be an event whose author's signature has been verified; `channel` is never null."""

    id: bytes
    channel: bytes
    body: RosterEventBody
    author: Card
    signed: Signed


class Roster(Struct, frozen=True):
    """Be the membership after the event at `position`, whose identifier is `head`."""

    channel: bytes
    name: str
    direct: bool
    position: int
    head: bytes
    members: dict[str, Member]

    def speaks_for(self, card: Card) -> Member | None:
        """Return the member for whom this card speaks, None when there is none."""
        member = self.members.get(card.identity)
        return member if member is not None and card.id in member.cards else None


_decode = Decoder[RosterEventBody](RosterEventBody, "roster_event", limits.MAX_ROSTER_EVENT)


def sign_event(
    key: SigningKey, author: Card, roster: Roster | None, change: Change, at_ms: int
) -> RosterEvent:
    """Make the event that applies `change` to `roster` (None: begin a channel with `Create`)."""
    body = RosterEventBody(
        roster.channel if roster else None,
        roster.position + 1 if roster else 0,
        roster.head if roster else None,
        author.id,
        at_ms,
        change,
    )
    payload = encode(body, limit=limits.MAX_ROSTER_EVENT)
    event = verify_event(parse_event(key.sign(ROSTER_EVENT_TYPE, payload)), author)
    apply_event(roster, event)
    return event


def parse_event(signed: Signed) -> RosterClaim:
    """Return the unverified claim; raise MalformedError."""
    body = _decode(signed.payload)
    return RosterClaim(identifier(ROSTER_EVENT_TYPE, signed.payload), body, signed)


def verify_event(claim: RosterClaim, author: Card) -> RosterEvent:
    """Return the event when `author` is the card it names and signed it; raise SignatureError."""
    if author.id != claim.body.author:
        raise SignatureError("wrong_card", "the event names another card as its author")
    signed = claim.signed
    verify(author.body.signing_key, ROSTER_EVENT_TYPE, signed.payload, signed.signature)
    return RosterEvent(claim.id, claim.body.channel or claim.id, claim.body, author, signed)


def apply_event(roster: Roster | None, event: RosterEvent) -> Roster:
    """Return the roster after `event`; raise RosterError naming the check that failed."""
    change = event.body.change
    if roster is None:
        if not isinstance(change, Create):
            raise RosterError("unknown_channel", "a channel begins with its create event")  # 1
        return _begin(event, change)
    if isinstance(change, Create):
        raise RosterError("roster_conflict", "the channel exists already")  # 1
    _continues(roster, event)
    members = _changed(roster, event, change)
    _bounded(members)
    return msgspec.structs.replace(
        roster, position=event.body.position, head=event.id, members=members
    )


def _begin(event: RosterEvent, create: Create) -> Roster:
    body = event.body
    if body.channel is not None or body.position != 0 or body.previous is not None:
        raise RosterError(
            "roster_conflict", "a first event has no channel and no previous one"
        )  # 2
    members = _joined({}, create.members)
    roster = Roster(event.id, create.name, create.direct, 0, event.id, members)
    author = roster.speaks_for(event.author)
    if author is None:
        raise RosterError("not_a_member", "the creator is not a member by this card")  # 3
    owners = [member for member in create.members if member.role is Role.OWNER]
    if owners != [author]:
        raise RosterError("not_an_admin", "the creator is the one owner of a new channel")  # 4
    if create.direct and len(members) != 2:
        raise RosterError("bad_change", "a direct channel has two members")  # 5
    _bounded(members)
    return roster


def _continues(roster: Roster, event: RosterEvent) -> None:
    body = event.body
    if body.channel != roster.channel:
        raise RosterError("roster_conflict", "the event belongs to another channel")  # 2
    if body.position != roster.position + 1 or body.previous != roster.head:
        raise RosterError("roster_conflict", "the event does not continue the roster")  # 2


def _changed(roster: Roster, event: RosterEvent, change: Add | Remove | Leave) -> dict[str, Member]:
    author = roster.speaks_for(event.author)
    if author is None:
        raise RosterError("not_a_member", "the author's card speaks for no member")  # 3
    match change:
        case Leave():
            _may_change(roster)
            return {who: m for who, m in roster.members.items() if who != author.identity}
        case Add(members):
            _may_administer(roster, author)
            if any(member.role is Role.OWNER for member in members):
                raise RosterError("not_an_admin", "a channel has one owner")  # 4
            return _joined(roster.members, members)
        case Remove(identities):
            _may_administer(roster, author)
            return _without(roster, author, identities)
        case _:
            assert_never(change)


def _may_administer(roster: Roster, author: Member) -> None:
    if author.role is Role.MEMBER:
        raise RosterError("not_an_admin", "only the owner and admins change the membership")  # 4
    _may_change(roster)


def _may_change(roster: Roster) -> None:
    # One that left could never come back: a pair of identities has one direct channel for good.
    if roster.direct:
        raise RosterError("bad_change", "a direct channel keeps its two members")  # 5


def _joined(present: dict[str, Member], added: tuple[Member, ...]) -> dict[str, Member]:
    members = dict(present)
    for member in added:
        if member.identity in members:
            raise RosterError("bad_change", f"{member.identity} is a member already")  # 5
        if len(set(member.cards)) != len(member.cards):
            raise RosterError("bad_change", f"a card of {member.identity} stands twice")  # 5
        members[member.identity] = member
    return members


def _without(roster: Roster, author: Member, identities: tuple[str, ...]) -> dict[str, Member]:
    members = dict(roster.members)
    for identity in identities:
        member = members.pop(identity, None)
        if member is None:
            raise RosterError("bad_change", f"{identity} is not a member")  # 5
        if member.role is Role.OWNER and author.role is not Role.OWNER:
            raise RosterError("not_an_admin", "an admin does not remove the owner")  # 4
    return members


def _bounded(members: dict[str, Member]) -> None:
    cards = sum(len(member.cards) for member in members.values())
    if len(members) > limits.MAX_MEMBERS or cards > limits.MAX_RECIPIENT_CARDS:
        raise RosterError("too_many_members", "the channel would be over its bounds")  # 6
