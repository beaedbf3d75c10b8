"""Rotation: a successor takes this card's place; both keys sign.

     1. the link is up, and no other rotation runs         relay_unreachable, rotation_running
     2. the successor's keys are stored (prepared): from here on nothing is sealed, and no channel begun
     3. what was sealed is answered, within DRAIN_SECONDS
     4. the relay has the successor's card, which counts for nothing yet
     5. the old card's statement is stored (published), then sent
     6. the relay has said yes, or refuses the old card as ended: the successor is in force, in one transaction,
        and the engine begins anew with it

Killed before 5, the rotation is undone at the next start; from 5 on it is finished, because the relay may have the
statement. Attacker: the relay. It can refuse the statement and bring it into force later, so the keys stay when it is
refused, and the next rotation takes up the same successor. It can say that the old card has ended when it has not: then
the new one, which it does not know, is refused too, which is no more than refusing the old one.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from peerpost_daemon import event_data, kinship
from peerpost_daemon.asking import UNREACHABLE_RETRY_SECONDS, ask, public
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link import LinkState
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import contacts, events, lineage, rotation
from peerpost_daemon.records.account import Account
from peerpost_daemon.records.rotation import RotationState, Successor
from peerpost_daemon.trust import Trust
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card, DeviceKeys, issue_card
from peerpost_protocol.errors import ProtocolError
from peerpost_protocol.frames import Accepted, PublishCard, SubmitStatement
from peerpost_protocol.history import Stated, open_history
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.statement import StatementBody, Succeed, sign_statement

if TYPE_CHECKING:
    from peerpost_daemon.daemon import Daemon
    from peerpost_daemon.engine import Engine

DRAIN_SECONDS: Final = 20.0
RETRY_SECONDS: Final = 0.5
_KEY_BYTES: Final = 32
_log = logging.getLogger(__name__)


class Rotation:
    """Rotate the card of a daemon's account, and finish what an earlier run has begun."""

    def __init__(self, daemon: "Daemon") -> None:
        self._daemon = daemon
        self._running = False
        self._finishing: asyncio.Task[None] | None = None

    async def rotate(self, timeout: float) -> None:  # noqa: ASYNC109  the caller's own bound
        """Return once the successor is in force.

        Raises DaemonError: rotation_running, relay_unreachable, relay_refused, storage_*, timeout: finished later.
        """
        engine = self._online()
        if self._running or (self._finishing is not None and not self._finishing.done()):
            raise DaemonError("rotation_running", "Another rotation is under way.")
        self._running = True
        try:
            await self._prepare(engine)
            finishing = self._finish_soon()
        finally:
            self._running = False
        done, _ = await asyncio.wait({finishing}, timeout=timeout)
        if not done:
            raise DaemonError("timeout", "The rotation is finished when the relay answers.")
        await finishing

    async def resume(self) -> None:
        """Finish what an earlier run has published."""
        found = await self._daemon.read(rotation.find)
        if found is not None and found.statement is not None and self._finishing is None:
            self._finish_soon()

    def stop(self) -> None:
        """Leave what is under way to the next start."""
        if self._finishing is not None:
            self._finishing.cancel()
            self._finishing = None

    def _online(self) -> "Engine":  # 1
        engine = self._daemon.engine
        if engine.link_status.state is not LinkState.ONLINE:
            message = "The relay is out of reach, and a successor has to be brought to it."
            raise DaemonError("relay_unreachable", message, retry_after=UNREACHABLE_RETRY_SECONDS)
        return engine

    async def _prepare(self, engine: "Engine") -> None:
        daemon, account = self._daemon, self._daemon.account
        seed, private = (daemon.random_bytes(_KEY_BYTES) for _ in range(2))
        old = account.card
        card = issue_card(
            DeviceKeys(seed, private),
            old.identity,
            old.body.device,
            daemon.clock(),
            predecessor=old.id,
        )
        await daemon.write(lambda db: rotation.prepare(db, card, seed, private))  # 2
        try:
            await self._drain()  # 3
            await self._publish(engine, account)  # 4, 5
        except BaseException:
            await daemon.write(rotation.abandon)
            engine.outbound.again()
            raise

    async def _drain(self) -> None:
        bell = self._daemon.bell
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while True:
                    rings = bell.rings
                    if await self._daemon.read(rotation.is_drained):
                        return
                    await bell.wait(rings)
        except TimeoutError:
            message = "The relay does not answer to what was sent under the old card."
            raise DaemonError("relay_unreachable", message, retry_after=1.0) from None

    async def _publish(self, engine: "Engine", account: Account) -> None:
        found = await self._successor()
        try:
            await ask(engine.relay, PublishCard(0, found.card.signed, None), Accepted)
            await engine.histories.refresh([account.identity])
        except LinkError as error:
            raise public(error) from error
        await self._daemon.write(lambda db: self._state(db, account, found.card))

    def _state(self, db: SqlConnection, account: Account, successor: Card) -> None:
        """Sign the statement for the newest end of the history, and store it."""
        history = lineage.find(db, account.identity)
        if history is None:
            raise DaemonError("relay_refused", "The relay shows no history of this identity.")
        body = StatementBody(
            account.card.id,
            successor.id,
            account.identity,
            self._daemon.clock(),
            history.length,
            history.head,
            Succeed(),
        )
        rotation.publish(db, sign_statement(account.keys.signing, body))

    async def _successor(self) -> Successor:
        found = await self._daemon.read(rotation.find)
        if found is None:
            raise DaemonError("internal_error", "The successor is gone.")
        return found

    def _finish_soon(self) -> asyncio.Task[None]:
        self._finishing = asyncio.create_task(self._finish(), name="rotation")
        self._finishing.add_done_callback(_told)
        return self._finishing

    async def _finish(self) -> None:
        """Bring the statement to the relay until it says yes or no."""
        while True:
            try:
                if await self._step():
                    return
            except LinkError as error:
                _log.warning("a rotation waits: %s", error.kind)
            except DaemonError as error:
                if error.kind not in {"relay_unreachable", "storage_full", "storage_failed"}:
                    raise
                _log.warning("a rotation waits: %s", error.kind)
            await asyncio.sleep(RETRY_SECONDS)

    async def _step(self) -> bool:
        """Do what can be done as the link is; return whether the rotation is over. Raises LinkError, DaemonError."""
        engine, found = self._daemon.engine, await self._successor()
        status = engine.link_status
        ended = status.last_error is not None and status.last_error.kind == Refusal.CARD_REVOKED
        if status.state is LinkState.REFUSED and ended:
            await self._come_into_force()
            return True
        if status.state is not LinkState.ONLINE:
            return False
        if found.state is RotationState.ABANDONED or found.statement is None:
            return True
        await self._submit(engine, found)
        return True

    async def _submit(self, engine: "Engine", found: Successor) -> None:
        assert found.statement is not None
        try:
            await ask(engine.relay, SubmitStatement(0, found.statement), Accepted)
        except RefusedError as error:
            if error.come_back:
                raise
            if error.kind == Refusal.HISTORY_CONFLICT:  # another device was first
                await self._publish(engine, self._daemon.account)
                raise
            await self._daemon.write(rotation.abandon)
            engine.outbound.again()
            raise public(error) from error
        await self._come_into_force()

    async def _come_into_force(self) -> None:
        await self._daemon.replace_card(self._store)  # 6

    def _store(self, db: SqlConnection) -> None:
        account, found = accounts.find(db), rotation.find(db)
        assert account is not None
        assert found is not None
        now_ms = self._daemon.clock()
        rotation.come_into_force(db, account.card, found, now_ms)
        _note_history(db, account, found)
        if contacts.standing(db, account.card.id) is None:
            contacts.store(db, account.card, Trust.ENDED, now_ms)
        contacts.set_trust(db, account.card.id, Trust.ENDED)
        kinship.know_oneself(db, found.card, now_ms)
        data = event_data.DaemonData("card_rotated", found.card.id.hex())
        events.add(db, event_data.DAEMON, now_ms, data)


def _note_history(db: SqlConnection, account: Account, found: Successor) -> None:
    """Continue our own history with the statement, where it fits; else the relay brings it."""
    history, relay = lineage.find(db, account.identity), account.relay_key
    if history is None or relay is None or found.statement is None:
        return
    entry = Stated(found.statement, found.card.signed)
    try:
        after = open_history([entry], relay, history)
    except ProtocolError as error:
        _log.info("the succession stands at another place: %s", error.kind)
        return
    if after is not None:
        lineage.keep(db, after)


def _told(task: asyncio.Task[None]) -> None:
    """Log how it failed: a caller may have gone."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.warning("a rotation failed: %s", getattr(error, "kind", type(error).__name__))
