"""Requests answered: a channel is taken with what waited in it, or declined and left.

Accepting needs the relay only for cards that were never seen here. Declining is stored at once; the channel is left as
soon as the relay can be asked. A direct channel cannot be left: what comes in it is passed over, until this account
itself writes there.
"""

import asyncio
import logging
from collections.abc import Callable

from peerpost_daemon import event_data
from peerpost_daemon.asking import public
from peerpost_daemon.bell import Bell
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.inbound import invitations
from peerpost_daemon.inbound.inbox import Inbox
from peerpost_daemon.link.errors import LinkError
from peerpost_daemon.membership import Membership
from peerpost_daemon.records import channels, contacts, events, judgement, requests
from peerpost_daemon.records.channels import Channel, ChannelState
from peerpost_daemon.trust import ContactState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.roster import Leave

MAX_LEFT_AT_ONCE = 64
"""Declined channels that are left in one round."""
RETRY_SECONDS = 5.0
_GONE = frozenset({"not_a_member", "unknown_channel"})

_log = logging.getLogger(__name__)


class Requests:
    """Answer requests, and leave what was declined."""

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        membership: Membership,
        bell: Bell,
        own: str,
        *,
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._membership = membership
        self._bell = bell
        self._own = own
        self._now_ms = now_ms
        self._online = False
        self._woken = asyncio.Event()
        membership.admit = inbox.admit
        inbox.accepted_elsewhere = self._accepted_elsewhere

    async def accept(self, id_: bytes) -> None:
        """Take a channel; what waited is there when this returns.

        Raises DaemonError: unknown_channel, not_a_member, relay_unreachable, relay_refused.
        """
        channel = await self._found(id_)
        if channel.state is ChannelState.ACTIVE:
            await self._database.write(lambda db: channels.set_asked(db, id_))
            return
        if not _can_be_taken(channel):
            message = "The channel is no request, or not any more."
            raise DaemonError("not_a_member", message, field="channel")
        try:
            await self._inbox.admit(id_)
        except LinkError as error:
            raise public(error) from error
        await self._tell(id_, "accepted")

    async def decline(self, id_: bytes, *, block: bool) -> str:
        """Decline a request, and block its inviter if told to; return the inviter. Raises DaemonError not_a_member."""
        channel, now_ms = await self._found(id_), self._now_ms()

        def store(db: SqlConnection) -> str:
            waiting = requests.find(db, id_)
            if waiting is None or channel.state is not ChannelState.REQUESTED:
                message = "The channel is no request, or not any more."
                raise DaemonError("not_a_member", message, field="channel")
            if block and contacts.state(db, waiting.inviter) is not ContactState.BLOCKED:
                judgement.block(db, waiting.inviter, now_ms)
            requests.forget(db, id_)
            channels.set_state(db, id_, ChannelState.DECLINED)
            return waiting.inviter

        inviter = await self._database.write(store)
        await self._tell(id_, "declined")
        self.wake()
        return inviter

    def wake(self) -> None:
        """Look whether there is something to leave."""
        self._woken.set()

    def go(self, *, online: bool) -> None:
        """Begin with the link, or stop with it."""
        self._online = online
        self._woken.set()

    async def run(self) -> None:
        """Leave what was declined, until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._leave_declined()
            except DaemonError as error:
                _log.warning("declined channels are left later: %s", error.kind)
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self._woken.set)

    async def _leave_declined(self) -> None:
        declined = await self._database.read(lambda db: channels.to_leave(db, MAX_LEFT_AT_ONCE))
        for channel in declined if self._online else ():
            await self._leave(channel)

    async def _leave(self, channel: Channel) -> None:
        try:
            await self._membership.submit(channel.roster, Leave())
        except DaemonError as error:
            if error.kind in _GONE:
                await self._database.write(
                    lambda db: invitations.end(db, channel.id, ChannelState.LEFT)
                )
                return
            _log.info("a declined channel is left later: %s", error.kind)
            delay = error.retry_after or RETRY_SECONDS
            asyncio.get_running_loop().call_later(delay, self._woken.set)

    async def _accepted_elsewhere(self, id_: bytes) -> None:
        """Take a channel that another device of this identity has accepted; raise LinkError."""
        await self._inbox.admit(id_)
        await self._tell(id_, "accepted")

    async def _found(self, id_: bytes) -> Channel:
        channel = await self._database.read(lambda db: channels.find(db, id_))
        if channel is None:
            raise DaemonError("unknown_channel", "There is no such channel.", field="channel")
        return channel

    async def _tell(self, id_: bytes, change: str) -> None:
        channel = await self._found(id_)
        data = event_data.ChannelData(
            id_.hex(), channel.roster.name, change, self._own, [self._own]
        )
        await self._database.write(
            lambda db: events.add(db, event_data.CHANNEL, self._now_ms(), data, channel=id_)
        )
        self._bell.ring()


def _can_be_taken(channel: Channel) -> bool:
    declined_direct = channel.state is ChannelState.DECLINED and channel.peer is not None
    return channel.state is ChannelState.REQUESTED or declined_direct
