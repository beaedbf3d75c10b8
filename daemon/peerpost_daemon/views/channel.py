"""Channels and their members."""

from collections.abc import Mapping

from msgspec import Struct

from peerpost_daemon.records import channels as stored_channels
from peerpost_daemon.records import references, standing
from peerpost_daemon.records.account import Account
from peerpost_daemon.records.channels import Channel as StoredChannel
from peerpost_daemon.records.channels import ChannelState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.roster import Least, Member, Policies, Role

_UNANSWERED = (ChannelState.REQUESTED, ChannelState.DECLINED)


class ChannelMember(Struct, frozen=True):
    """Show a member; `trusted`: every card of it is pinned here."""

    identity: str
    role: Role
    cards: list[str]
    trusted: bool


class ChannelPolicies(Struct, frozen=True):
    """Show the least role that may post and add, and how many seconds messages are kept."""

    post: Least
    add: Least
    expire_after: float | None


class Channel(Struct, frozen=True):
    """Show a channel as this daemon has verified it; a direct one is named for its other member."""

    channel: str
    name: str
    alias: str | None
    topic: str
    direct: bool
    state: ChannelState
    members: list[ChannelMember]
    policies: ChannelPolicies
    bans: list[str]
    position: int
    roster_position: int
    created_at_ms: int


class Channels(Struct, frozen=True):
    """Show all channels."""

    channels: list[Channel]


def channel(db: SqlConnection, id_: bytes, own: Account) -> Channel | None:
    """Return one channel."""
    stored = stored_channels.find(db, id_)
    aliases = references.aliases(db)
    return _view(stored, _trusted(db, own), aliases) if stored else None


def channels(db: SqlConnection, own: Account) -> list[Channel]:
    """Return all channels, oldest first."""
    trusted, aliases = _trusted(db, own), references.aliases(db)
    shown = (c for c in stored_channels.everything(db) if c.state not in _UNANSWERED)
    return [_view(stored, trusted, aliases) for stored in shown]


def _trusted(db: SqlConnection, own: Account) -> dict[bytes, str]:
    return {**standing.counting_cards(db), own.card.id: own.identity}


def _view(
    stored: StoredChannel, trusted: Mapping[bytes, str], aliases: Mapping[bytes, str]
) -> Channel:
    roster = stored.roster
    return Channel(
        stored.id.hex(),
        stored.peer or roster.name,
        aliases.get(stored.id),
        roster.topic,
        roster.direct,
        stored.state,
        [_member(member, trusted) for member in roster.members.values()],
        _policies(roster.policies),
        list(roster.bans),
        stored.cursor,
        roster.position,
        stored.created_at_ms,
    )


def _policies(policies: Policies) -> ChannelPolicies:
    expire = policies.expire_ms
    return ChannelPolicies(policies.post, policies.add, None if expire is None else expire / 1000)


def _member(member: Member, trusted: Mapping[bytes, str]) -> ChannelMember:
    known = all(trusted.get(card) == member.identity for card in member.cards)
    return ChannelMember(member.identity, member.role, [c.hex() for c in member.cards], known)
