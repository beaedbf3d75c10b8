"""Tell the senders what is stored here: one signed, complete receipt a channel, as few as can be.

While one receipt of a channel is on its way, whatever is stored meanwhile goes into the next: a thousand messages cost
as many frames as there were round trips.
"""

import asyncio
import logging
from collections.abc import Callable

from msgspec import Struct, structs

from peerpost_daemon.asking import ask
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.link.relay_link import RelayLink
from peerpost_daemon.outbound.sealing import Sender
from peerpost_daemon.records import chains, channels
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.errors import TooLargeError
from peerpost_protocol.frames import Accepted, PostReceipt
from peerpost_protocol.receipt import ReceiptBody, sign_receipt
from peerpost_protocol.signing import Signed, SigningKey

MAX_AT_ONCE = 64
"""Receipts on their way at once."""
RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


class _Due(Struct, frozen=True):
    receipt: Signed
    channel: bytes
    position: int
    before: int


class Receipts:
    """Post the receipts that are due while the link is up."""

    def __init__(
        self, database: Database, link: RelayLink, sender: Sender, *, now_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._link = link
        self._sender = sender
        self._now_ms = now_ms
        self._woken = asyncio.Event()
        self._online = False

    def wake(self) -> None:
        """Look whether a receipt is due."""
        self._woken.set()

    def go(self, *, online: bool) -> None:
        """Begin with the link, or stop with it."""
        self._online = online
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._online:
                try:
                    if not await self._round():
                        break
                except (LinkError, DaemonError) as error:
                    _log.warning("receipts have to wait: %s", error.kind)
                    asyncio.get_running_loop().call_later(RETRY_SECONDS, self._woken.set)
                    break

    async def _round(self) -> bool:
        due = await self._database.read(self._due, quick=True)
        if not due:
            return False
        posted = await asyncio.gather(*map(self._post, due), return_exceptions=True)
        done = [one for one, error in zip(due, posted, strict=True) if error is None]
        # Later: should it be lost, the same receipt is posted once more.
        await self._database.write(lambda db: _posted(db, done), later=True)
        for error in posted:
            if error is not None:
                raise error
        return len(due) == MAX_AT_ONCE

    def _due(self, db: SqlConnection) -> list[_Due]:
        """Return what is due, signed: a thread of its own for that would cost more than signing does."""
        now_ms, card = self._now_ms(), self._sender.card.id
        key, due = self._sender.keys.signing, channels.receipts_due(db, MAX_AT_ONCE)
        return [
            _Due(
                _sign(key, ReceiptBody(id_, card, position, now_ms, chains.marks(db, id_))),
                id_,
                position,
                before,
            )
            for id_, position, before in due
        ]

    async def _post(self, due: _Due) -> None:
        try:
            await ask(self._link, PostReceipt(0, due.receipt), Accepted)
        except RefusedError as error:
            if error.come_back:
                raise
            _log.info("the relay refused a receipt: %s", error.kind)


def _sign(key: SigningKey, body: ReceiptBody) -> Signed:
    """Sign a receipt; when it is too large, without the marks that miss most, whose senders learn nothing."""
    marks = sorted(body.marks, key=lambda mark: len(mark.missing))
    while True:
        try:
            return sign_receipt(key, structs.replace(body, marks=tuple(marks)))
        except TooLargeError:
            if not marks:
                raise
            marks = marks[: len(marks) * 3 // 4]


def _posted(db: SqlConnection, done: list[_Due]) -> None:
    for one in done:
        channels.receipt_posted(db, one.channel, one.position, one.before)
