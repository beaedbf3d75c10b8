"""channel.*: channels and their members."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from peerpost_daemon import views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.channel_name import channel_name
from peerpost_daemon.methods.params import (
    ChannelParam,
    MembersParam,
    NoParams,
    allowed,
    identities,
    the_channel,
)
from peerpost_daemon.records.within import EVERYWHERE, Within
from peerpost_daemon.rpc import Call, Method, Reach, Scope
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol import limits
from peerpost_protocol.roster import Role

_RELAY = ("relay_unreachable", "relay_refused", "storage_full", "storage_failed")
_FIND = ("unknown_channel", "ambiguous_channel")
_CHANGE = (*_FIND, "not_a_member", "not_an_admin", "timeout", *_RELAY)
_PEOPLE = ("unknown_identity", "untrusted_contact", "too_large")


class Create(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a name and the members beside the creator."""

    name: Annotated[str, Meta(min_length=1, max_length=limits.MAX_CHANNEL_NAME_CHARACTERS)]
    members: MembersParam


class Show(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel."""

    channel: ChannelParam


class Add(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel, members to add, and their role."""

    channel: ChannelParam
    members: Annotated[MembersParam, Meta(min_length=1)]
    role: Literal["admin", "member", "reader"] = "member"


class Change(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel and members to add or to remove."""

    channel: ChannelParam
    members: Annotated[MembersParam, Meta(min_length=1)]


class ChannelMethods:
    """The methods of the noun."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare them."""
        admin, receive = Scope.ADMIN, Scope.RECEIVE
        created = (*_PEOPLE, *_RELAY)
        yield Method.of("channel.create", self.create, scope=admin, errors=created)
        yield Method.of("channel.list", self.list, scope=receive, reach=Reach.CHANNELS)
        yield Method.of(
            "channel.show", self.show, scope=receive, reach=Reach.CHANNELS, errors=_FIND
        )
        yield Method.of("channel.add", self.add, scope=admin, errors=(*_CHANGE, *_PEOPLE, "banned"))
        yield Method.of("channel.remove", self.remove, scope=admin, errors=(*_CHANGE, *_PEOPLE))
        yield Method.of("channel.leave", self.leave, scope=admin, errors=_CHANGE)

    async def create(self, params: Create, call: Call) -> views.Channel:  # noqa: ARG002 - a handler's shape
        """Create a channel, whose owner is this account; its members are told by the relay."""
        name = channel_name(params.name)
        own = self._daemon.account.identity
        others = [who for who in identities(params.members) if who != own]
        engine = self._daemon.engine
        channel = await engine.channels.create(name, others)
        engine.outbound.wake()  # it brings the channel to the relay, before anybody speaks
        return await self._channel(channel)

    async def list(self, params: NoParams, call: Call) -> views.Channels:  # noqa: ARG002
        """List the channels this account is or was a member of, oldest first."""
        own, within = self._daemon.account, allowed(call, Scope.RECEIVE)

        def look(db: SqlConnection) -> list[views.Channel]:
            ids = within.ids(db)
            found = views.channels(db, own)
            return found if ids is None else [c for c in found if bytes.fromhex(c.channel) in ids]

        return views.Channels(await self._daemon.read(look))

    async def show(self, params: Show, call: Call) -> views.Channel:
        """Show one channel and its members."""
        within = allowed(call, Scope.RECEIVE)
        return await self._channel(await self._id(params.channel, within))

    async def add(self, params: Add, call: Call) -> views.Channel:  # noqa: ARG002
        """Add members; they read from here on."""
        members, channel = identities(params.members), await self._id(params.channel)
        await self._daemon.engine.channels.add(channel, members, Role(params.role))
        return await self._channel(channel)

    async def remove(self, params: Change, call: Call) -> views.Channel:  # noqa: ARG002
        """Remove members; they keep what they have read."""
        members, channel = identities(params.members), await self._id(params.channel)
        await self._daemon.engine.channels.remove(channel, members)
        return await self._channel(channel)

    async def leave(self, params: Show, call: Call) -> views.Channel:  # noqa: ARG002
        """Leave a channel; its messages stay in the vault."""
        channel = await self._id(params.channel)
        await self._daemon.engine.channels.leave(channel)
        return await self._channel(channel)

    async def _id(self, reference: str, within: Within = EVERYWHERE) -> bytes:
        named = await self._daemon.read(lambda db: the_channel(db, reference, within=within))
        return named.id

    async def _channel(self, id_: bytes) -> views.Channel:
        own = self._daemon.account
        found = await self._daemon.read(lambda db: views.channel(db, id_, own))
        if found is None:
            raise DaemonError("unknown_channel", "The channel is gone.", field="channel")
        return found
