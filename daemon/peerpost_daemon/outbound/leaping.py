"""Leaping: our chain is resumed above what receivers have of it, when vault and relay were both older copies.

    a member's receipt names a later envelope of ours       receivers_ahead: nothing is sealed there (records/ahead)
    what was sealed before is answered                      the relay is told where our chain stands (`resume_chain`)
    it has accepted that                                    sequence_leapt: the next envelope comes after that one

What was said between the copy and the leap stays with those who have it; nothing of it comes back.
"""

import asyncio
import logging
from collections.abc import Callable

from peerpost_daemon.asking import ask
from peerpost_daemon.bell import Bell
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.link.relay_link import RelayLink
from peerpost_daemon.records import ahead, alarms, channels
from peerpost_daemon.records.ahead import Ahead
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.frames import Accepted, ResumeChain

RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Leaping:
    """Resume chains whose receivers are ahead. `held`: the channels in which nothing can be sent for other reasons."""

    def __init__(
        self, database: Database, link: RelayLink, bell: Bell, *, now_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._link = link
        self._bell = bell
        self._now_ms = now_ms
        self.again: Callable[[], None] = lambda: None
        self.held: Callable[[], frozenset[bytes]] = frozenset
        self._refused: set[bytes] = set()  # the relay does not let them go on in this session
        self._woken = asyncio.Event()
        self._online = False

    def look(self) -> None:
        """Look whether receivers are ahead."""
        self._woken.set()

    def go(self, *, online: bool) -> None:
        """Begin with the link, or stop with it."""
        self._online = online
        self._refused.clear()
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                if self._online and await self._round():
                    self._later()
            except (LinkError, DaemonError) as error:
                _log.warning("a chain waits to be resumed: %s", error.kind)
                self._later()

    def _later(self) -> None:
        asyncio.get_running_loop().call_later(RETRY_SECONDS, self._woken.set)

    async def _round(self) -> bool:
        """Resume what can be; return whether more is to be done in this session. Raises LinkError, DaemonError."""
        for one in await self._database.read(ahead.settled):
            if one.channel not in self._refused | self.held():
                await self._leap(one)
        return bool(await self._database.read(ahead.held) - self._refused)

    async def _leap(self, one: Ahead) -> None:
        try:
            await ask(
                self._link, ResumeChain(0, one.channel, one.link.sequence, one.link.id), Accepted
            )
        except RefusedError as error:
            if error.come_back:
                raise
            _log.warning("the relay does not resume a chain: %s", error.kind)
            self._refused.add(one.channel)
            return
        await self._database.write(lambda db: self._resumed(db, one))
        self._bell.ring()
        self.again()

    def _resumed(self, db: SqlConnection, one: Ahead) -> None:
        channel = channels.find(db, one.channel)
        if channel is None or not ahead.resumed(db, one):
            return
        ours = channel.own.sequence if channel.own else 0
        if ours < one.link.sequence:  # what was sealed before may have gone beyond
            channels.set_own(db, one.channel, one.link)
            channels.set_sent(db, one.channel, one.link)
        detail = f"{ours} became {max(ours, one.link.sequence)} in {channel.roster.name}, by {one.identity}"
        alarms.sound(db, "sequence_leapt", detail, self._now_ms(), one.channel)
