"""channel.requests, accept, decline, consent: what others have added this account to, and who may."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from peerpost_daemon import views
from peerpost_daemon.consent import Consent
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.params import ChannelParam, NoParams, one_of
from peerpost_daemon.records import consents, references
from peerpost_daemon.rpc import Call, Method, Scope
from peerpost_daemon.vault.connection import SqlConnection

_FIND: Final = ("unknown_channel", "ambiguous_channel", "not_a_member")
_STORE: Final = ("storage_full", "storage_failed")


class Accept(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a request."""

    channel: ChannelParam


class Decline(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a request, and whether its inviter is to be blocked."""

    channel: ChannelParam
    block: bool = False


class Choose(Struct, frozen=True, forbid_unknown_fields=True):
    """Take who may begin direct conversations, and who may add to other channels."""

    direct: Consent | None = None
    groups: Consent | None = None


class ChannelRequestMethods:
    """The methods that answer who adds this account."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare them."""
        admin = Scope.ADMIN
        taken = (*_FIND, "relay_unreachable", "relay_refused", *_STORE)
        yield Method.of("channel.requests", self.requests, scope=Scope.RECEIVE)
        yield Method.of("channel.accept", self.accept, scope=admin, errors=taken)
        yield Method.of("channel.decline", self.decline, scope=admin, errors=(*_FIND, *_STORE))
        yield Method.of("channel.consent", self.consent, scope=admin, errors=_STORE)

    async def requests(self, params: NoParams, call: Call) -> views.Requests:  # noqa: ARG002 - a handler's shape
        """List the channels that others have added this account to and nobody here has accepted."""
        return await self._daemon.read(views.all_requests)

    async def accept(self, params: Accept, call: Call) -> views.Channel:  # noqa: ARG002
        """Take a channel that was a request; what waited in it is taken now, in its order."""
        id_ = await self._id(params.channel)
        await self._daemon.engine.requests.accept(id_)
        own = self._daemon.account
        found = await self._daemon.read(lambda db: views.channel(db, id_, own))
        if found is None:
            raise DaemonError("unknown_channel", "The channel is gone.", field="channel")
        return found

    async def decline(self, params: Decline, call: Call) -> views.Declined:  # noqa: ARG002
        """Decline a request and leave its channel; nothing of it is kept."""
        id_ = await self._id(params.channel)
        inviter = await self._daemon.engine.requests.decline(id_, block=params.block)
        return views.Declined(id_.hex(), inviter, params.block)

    async def consent(self, params: Choose, call: Call) -> views.Consented:  # noqa: ARG002
        """Say who may add this account unasked, or only tell."""

        def store(db: SqlConnection) -> views.Consented:
            if (params.direct, params.groups) != (None, None):
                consents.choose(db, params.direct, params.groups)
            chosen = consents.in_force(db)
            return views.Consented(chosen.direct, chosen.groups)

        return await self._daemon.write(store)

    async def _id(self, reference: str) -> bytes:
        found = await self._daemon.read(lambda db: references.requested(db, reference))
        return one_of(found, "channel").id
