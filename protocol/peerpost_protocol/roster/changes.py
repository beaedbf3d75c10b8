"""Changes: what a roster event may say, one struct each."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from peerpost_protocol import limits
from peerpost_protocol.identity import Identity
from peerpost_protocol.wire import Digest, WireStruct


class Role(StrEnum):
    """Say what a member may do; everybody in the roster may read, a reader nothing else."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    READER = "reader"


class Least(StrEnum):
    """Name the least role that may do what a policy is about."""

    ADMIN = "admin"
    MEMBER = "member"


class Policies(WireStruct, frozen=True):
    """Say who may post, who may add, and for how many milliseconds a message is kept (None: for good)."""

    post: Least = Least.MEMBER
    add: Least = Least.ADMIN
    expire_ms: Annotated[int, Meta(ge=limits.MIN_EXPIRE_MS, le=limits.MAX_EXPIRE_MS)] | None = None


Name = Annotated[str, Meta(max_length=limits.MAX_CHANNEL_NAME_CHARACTERS)]
NewName = Annotated[str, Meta(min_length=1, max_length=limits.MAX_CHANNEL_NAME_CHARACTERS)]
Topic = Annotated[str, Meta(max_length=limits.MAX_CHANNEL_TOPIC_CHARACTERS)]
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


class SetRole(WireStruct, frozen=True, tag="role"):
    """Give a member another role; the owner gives the ownership away so, and becomes an admin."""

    identity: Identity
    role: Role


class Rename(WireStruct, frozen=True, tag="rename"):
    """Give the channel another name."""

    name: NewName


class SetTopic(WireStruct, frozen=True, tag="topic"):
    """Say what the channel is about; an empty text takes the topic away."""

    topic: Topic


class SetPolicies(WireStruct, frozen=True, tag="policy"):
    """Replace the policies, all of them."""

    policies: Policies


class Ban(WireStruct, frozen=True, tag="ban"):
    """Remove those who are members, and let nobody add any of these until the ban is lifted."""

    identities: Identities


class Unban(WireStruct, frozen=True, tag="unban"):
    """Lift bans; nobody comes back by that alone."""

    identities: Identities


Change = Create | Add | Remove | Leave | SetRole | Rename | SetTopic | SetPolicies | Ban | Unban
