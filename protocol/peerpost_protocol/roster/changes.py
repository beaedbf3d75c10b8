"""Changes: what a roster event may say, one struct each."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from peerpost_protocol import limits
from peerpost_protocol.identity import Identity
from peerpost_protocol.wire import Digest, WireStruct


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
