"""Beginnings: what has to be there before a message can be sealed, made when the relay can be reached.

A message may be queued for an identity nobody here has met, and a channel may be made while there is no relay. Here the
identity gets its card and its direct channel, and the channel's first event reaches the relay.
"""

import logging
from collections.abc import Callable

from peerpost_daemon.asking import ask
from peerpost_daemon.bell import Bell
from peerpost_daemon.delivering import tell_status
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
        self._parked: set[str] = set()

    def reconsider(self) -> None:
        """Try those again that could not be begun: the link is new, or a contact was accepted."""
        self._parked.clear()

    async def settle(self) -> bool:
        """Do what can be done now; return whether anything was. Raises LinkError, DaemonError of the vault."""
        done = False
        for recipient in await self._database.read(
            lambda db: outbox.undirected(db, MAX_IDENTITIES)
        ):
            if recipient not in self._parked:
                await self._direct(recipient)
                done = True
        for channel, signed in await self._database.read(channels.pending_events):
            await self.submit(channel, signed)
            done = True
        return done

    async def submit(self, channel: bytes, signed: bytes) -> None:
        """Bring a new channel's first event to the relay. Raises LinkError, RefusedError if final."""
        frame = SubmitRosterEvent(0, decode_signed(signed))
        try:
            await ask(self._link, frame, Accepted)
        except RefusedError as error:
            if error.come_back:
                raise
            await self._give_up(channel, error)
            return
        await self._database.write(lambda db: _activate(db, channel))
        self._bell.ring()

    async def _direct(self, recipient: str) -> None:
        try:
            await self._membership.open_direct(recipient)
        except DaemonError as error:
            if error.kind == "unknown_identity":
                await self._fail(recipient, error.kind)
            elif error.kind == "untrusted_contact":
                self._parked.add(recipient)
            else:
                raise

    async def _fail(self, recipient: str, reason: str) -> None:
        now_ms = self._now_ms()

        def store(db: SqlConnection) -> None:
            for number, message in outbox.queued_for(db, recipient=recipient):
                outbox.fail(db, number, reason)
                tell_status(db, message, now_ms)

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
            for number, message in outbox.queued_for(db, channel=channel):
                outbox.fail(db, number, error.kind)
                tell_status(db, message, now_ms)
            channels.set_state(db, channel, ChannelState.REMOVED)

        await self._database.write(store)
        self._bell.ring()


def _activate(db: SqlConnection, channel: bytes) -> None:
    found = channels.find(db, channel)
    if found is not None and found.state is ChannelState.PENDING:
        channels.set_state(db, channel, ChannelState.ACTIVE)
