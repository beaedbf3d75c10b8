"""Beginnings: what has to be there before a message can be sealed, made when the relay can be reached.

A message may be queued for an identity nobody here has met, and a channel may be made while there is no relay. Here the
identity gets its card and its direct channel, and the channel's first event reaches the relay.
"""

import asyncio
import logging
from collections.abc import Callable

from peerpost_daemon.asking import ask
from peerpost_daemon.bell import Bell
from peerpost_daemon.delivering import give_up
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link.errors import RefusedError
from peerpost_daemon.link.relay_link import RelayLink
from peerpost_daemon.membership import Membership
from peerpost_daemon.records import channels, outbox
from peerpost_daemon.records.channels import ChannelState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.frames import Accepted, SubmitRosterEvent, decode_signed

MAX_IDENTITIES = 64
"""Identities looked up in one round."""
RETRY_SECONDS = 1.0

_HOPELESS = frozenset({"unknown_identity", "invalid_params", "too_large"})

_log = logging.getLogger(__name__)


class Beginnings:
    """Find channels for messages, and bring new channels to the relay."""

    def __init__(
        self,
        database: Database,
        link: RelayLink,
        membership: Membership,
        bell: Bell,
        *,
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._link = link
        self._membership = membership
        self._bell = bell
        self._now_ms = now_ms
        self.later: Callable[[], None] = lambda: None
        self._parked: set[str] = set()
        self._put_off: set[bytes] = set()

    def reconsider(self) -> None:
        """Try those again that could not be begun: the link is new, or a contact was accepted."""
        self._parked.clear()
        self._put_off.clear()

    async def settle(self) -> bool:
        """Do what can be done now; return whether anything was. Raises LinkError, DaemonError of the vault.

        What the relay has no room for now holds nobody else up: it is tried again later.
        """
        done = False
        limit, now_ms = MAX_IDENTITIES + len(self._parked), self._now_ms()
        for recipient in await self._database.read(lambda db: outbox.undirected(db, limit, now_ms)):
            if recipient not in self._parked:
                done |= await self._direct(recipient)
        for channel, signed in await self._database.read(channels.pending_events):
            if channel not in self._put_off:
                done |= await self.submit(channel, signed)
        return done

    async def submit(self, channel: bytes, signed: bytes) -> bool:
        """Bring a new channel's first event to the relay; return whether that is decided. Raises LinkError."""
        frame = SubmitRosterEvent(0, decode_signed(signed))
        try:
            await ask(self._link, frame, Accepted)
        except RefusedError as error:
            if error.come_back:
                self._put_off.add(channel)
                self._later(error)
                return False
            await self._give_up(channel, error)
            return True
        await self._database.write(lambda db: _activate(db, channel))
        self._bell.ring()
        return True

    async def _direct(self, recipient: str) -> bool:
        try:
            await self._membership.open_direct(recipient)
        except RefusedError as error:
            if not error.come_back:
                await self._fail(recipient, error.kind)
                return True
            self._parked.add(recipient)
            self._later(error)
            return False
        except DaemonError as error:
            if error.kind == "untrusted_contact":
                self._parked.add(recipient)
                return False
            if error.kind not in _HOPELESS:
                raise
            await self._fail(recipient, error.kind)
        return True

    def _later(self, error: RefusedError) -> None:
        seconds = (error.retry_after_ms or 0) / 1000 or RETRY_SECONDS
        asyncio.get_running_loop().call_later(seconds, self.later)

    async def _fail(self, recipient: str, reason: str) -> None:
        now_ms = self._now_ms()

        def store(db: SqlConnection) -> None:
            give_up(db, outbox.queued_for(db, recipient=recipient), reason, now_ms)

        await self._database.write(store)
        self._bell.ring()

    async def _give_up(self, channel: bytes, error: RefusedError) -> None:
        _log.info("the relay refused a new channel: %s", error.kind)
        now_ms = self._now_ms()

        def store(db: SqlConnection) -> None:
            found = channels.find(db, channel)
            if found is None or found.state is not ChannelState.PENDING:
                return
            if error.kind == "direct_exists" and found.peer is not None:
                # The other one was first: the relay's stream brings the channel, if it has not yet.
                self._parked.add(found.peer)
                outbox.undirect(db, channel, found.peer)
                channels.forget(db, channel)
                there = channels.direct(db, found.peer)
                if there is not None:
                    outbox.direct_to(db, found.peer, there.id)
                return
            give_up(db, outbox.queued_for(db, channel=channel), error.kind, now_ms)
            channels.set_state(db, channel, ChannelState.REMOVED)

        await self._database.write(store)
        self._bell.ring()


def _activate(db: SqlConnection, channel: bytes) -> None:
    found = channels.find(db, channel)
    if found is not None and found.state is ChannelState.PENDING:
        channels.set_state(db, channel, ChannelState.ACTIVE)
