"""Removals: files whose message was deleted, or will not be sent, leave the relay too.

What is to be removed is noted with what makes it unwanted, in one transaction, and asked for until the relay has
answered: after a restart, and after days offline. What the relay refuses for good it keeps until its time is over.
"""

import asyncio
import logging

from peerpost_daemon.asking import Relay, ask
from peerpost_daemon.bell import Bell
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.records import unwanted_blobs
from peerpost_daemon.records.unwanted_blobs import UnwantedBlob
from peerpost_daemon.vault.database import Database
from peerpost_protocol.frames import Accepted, RemoveBlob

LOOK_AGAIN_SECONDS = 15.0

_log = logging.getLogger(__name__)


class Removals:
    """Ask the relay, one blob after the other, while the link is up."""

    def __init__(self, database: Database, relay: Relay, bell: Bell) -> None:
        self._database = database
        self._bell = bell
        self._relay = relay
        self._online = False
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look whether there is something to remove."""
        self._woken.set()

    def go(self, *, online: bool) -> None:
        """Begin with the link, or stop with it."""
        self._online = online
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                await self._ask_for_all()
            except (DaemonError, LinkError) as error:
                _log.info("files leave the relay later: %s", error.kind)

    async def _ask_for_all(self) -> None:
        while self._online:
            unwanted = await self._database.read(unwanted_blobs.oldest)
            if unwanted is None:
                return
            await self._ask_for(unwanted)

    async def _ask_for(self, unwanted: UnwantedBlob) -> None:
        try:
            await ask(self._relay, RemoveBlob(0, unwanted.channel, unwanted.blob), Accepted)
        except RefusedError as error:
            if error.come_back:
                raise
            _log.info("a file stays at the relay until its time is over: %s", error.kind)
        await self._database.write(lambda db: unwanted_blobs.done(db, unwanted.number))
        self._bell.ring()
