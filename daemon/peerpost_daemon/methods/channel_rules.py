"""channel.role, rename, topic, policy, ban, unban: what admins change about a channel beside its members."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct

from peerpost_daemon import views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.intentions import Intention, Ruling
from peerpost_daemon.methods.channel_name import channel_name, shown
from peerpost_daemon.methods.params import (
    ChannelParam,
    IdentityParam,
    MembersParam,
    identities,
    identity,
    the_channel,
)
from peerpost_daemon.rpc import Call, Method, Scope
from peerpost_protocol import limits
from peerpost_protocol.roster import Ban, Least, Rename, Role, SetRole, SetTopic, Unban

MAX_EXPIRE_SECONDS: Final = limits.MAX_EXPIRE_MS // 1000
_ERRORS: Final = (
    "unknown_channel",
    "ambiguous_channel",
    "not_a_member",
    "not_an_admin",
    "channel_changed",
    "too_large",
    "timeout",
    "relay_unreachable",
    "relay_refused",
    "storage_full",
    "storage_failed",
)


class SetTheRole(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel, a member and its new role."""

    channel: ChannelParam
    identity: IdentityParam
    role: Literal["owner", "admin", "member", "reader"]


class SetTheName(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel and its new name."""

    channel: ChannelParam
    name: Annotated[str, Meta(min_length=1, max_length=limits.MAX_CHANNEL_NAME_CHARACTERS)]


class SetTheTopic(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel and its new topic; an empty one takes it away."""

    channel: ChannelParam
    topic: Annotated[str, Meta(max_length=limits.MAX_CHANNEL_TOPIC_CHARACTERS)]


class SetThePolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel and the policies to set; those that are not given stay."""

    channel: ChannelParam
    post: Literal["admin", "member"] | None = None
    add: Literal["admin", "member"] | None = None
    expire_after: (
        Annotated[float, Meta(ge=0, le=MAX_EXPIRE_SECONDS, description="seconds; 0: for good")]
        | None
    ) = None


class Banned(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel and identities."""

    channel: ChannelParam
    identities: Annotated[MembersParam, Meta(min_length=1)]


class ChannelRuleMethods:
    """The methods that change what a channel is."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare them."""
        for name, handler in (
            ("role", self.role),
            ("rename", self.rename),
            ("topic", self.topic),
            ("policy", self.policy),
            ("ban", self.ban),
            ("unban", self.unban),
        ):
            yield Method.of(f"channel.{name}", handler, scope=Scope.ADMIN, errors=_ERRORS)

    async def role(self, params: SetTheRole, call: Call) -> views.Channel:  # noqa: ARG002 - a handler's shape
        """Give a member another role; the owner gives the ownership away so, and becomes an admin."""
        change = SetRole(identity(params.identity), Role(params.role))
        return await self._change(params.channel, change)

    async def rename(self, params: SetTheName, call: Call) -> views.Channel:  # noqa: ARG002
        """Give a channel another name, for all of its members."""
        return await self._change(params.channel, Rename(channel_name(params.name)))

    async def topic(self, params: SetTheTopic, call: Call) -> views.Channel:  # noqa: ARG002
        """Say what a channel is about."""
        topic = shown(params.topic, "topic", limits.MAX_CHANNEL_TOPIC_CHARACTERS)
        return await self._change(params.channel, SetTopic(topic))

    async def policy(self, params: SetThePolicy, call: Call) -> views.Channel:  # noqa: ARG002
        """Say who may post and add, and how long messages are kept."""
        return await self._change(params.channel, _ruling(params))

    async def ban(self, params: Banned, call: Call) -> views.Channel:  # noqa: ARG002
        """Remove those who are members, and let nobody add any of them until the ban is lifted."""
        change = Ban(tuple(identities(params.identities, "identities")))
        return await self._change(params.channel, change)

    async def unban(self, params: Banned, call: Call) -> views.Channel:  # noqa: ARG002
        """Lift bans; nobody is a member by that alone."""
        change = Unban(tuple(identities(params.identities, "identities")))
        return await self._change(params.channel, change)

    async def _change(self, reference: str, wanted: Intention) -> views.Channel:
        named = await self._daemon.read(lambda db: the_channel(db, reference))
        await self._daemon.engine.channels.change(named.id, wanted)
        own = self._daemon.account
        found = await self._daemon.read(lambda db: views.channel(db, named.id, own))
        if found is None:
            raise DaemonError("unknown_channel", "The channel is gone.", field="channel")
        return found


def _ruling(params: SetThePolicy) -> Ruling:
    if (params.post, params.add, params.expire_after) == (None, None, None):
        raise DaemonError("invalid_params", "Give at least one policy.", field="post")
    after = params.expire_after
    if after is not None and 0 < after * 1000 < limits.MIN_EXPIRE_MS:
        message = f"Messages live for at least {limits.MIN_EXPIRE_MS} ms."
        raise DaemonError("invalid_params", message, field="expire_after")
    return Ruling(
        UNSET if params.post is None else Least(params.post),
        UNSET if params.add is None else Least(params.add),
        UNSET if after is None else round(after * 1000) or None,
    )
