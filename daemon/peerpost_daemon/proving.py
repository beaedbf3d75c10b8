"""Prove this account's identity: ask the relay for a code by e-mail, and bring it the code.

A relay that takes no card without a proof refuses ours until the code has come; then the code goes with the card, in
the session that publishes it (link/session.py).
"""

from peerpost_daemon.asking import Relay, ask, public
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.records import account as accounts
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.frames import Accepted, Attestation, ConfirmProof, StartProof
from peerpost_protocol.refusals import Refusal


class Proving:
    """Prove the identity of a card that the relay has."""

    def __init__(self, database: Database, relay: Relay, card: Card) -> None:
        self._database = database
        self._relay = relay
        self._card = card

    async def ask_for_code(self) -> None:
        """Have a code mailed. Raises DaemonError relay_*, too_many_requests."""
        await self._ask(StartProof(0, self._card.signed))

    async def confirm(self, code: str) -> None:
        """Bring the code, and note that the identity is verified. Raises DaemonError code_refused, relay_*."""
        await self._ask(ConfirmProof(0, self._card.signed, code))
        await self._database.write(lambda db: accounts.attested(db, Attestation.VERIFIED.value))

    async def _ask(self, frame: StartProof | ConfirmProof) -> None:
        try:
            await ask(self._relay, frame, Accepted)
        except RefusedError as error:
            raise refused(error) from error
        except LinkError as error:
            raise public(error) from error


def refused(error: RefusedError) -> DaemonError:
    """Return the relay's refusal of a proof as callers of the daemon know it."""
    if error.kind == Refusal.CODE_REFUSED:
        return code_refused()
    if error.kind == Refusal.TOO_MANY_REQUESTS:
        seconds = error.retry_after_ms / 1000 if error.retry_after_ms else None
        message = "Too many codes were asked for; come back later."
        return DaemonError("too_many_requests", message, retry_after=seconds)
    return public(error)


def code_refused() -> DaemonError:
    """Return what becomes of a wrong code."""
    message = (
        "The code is wrong, expired, used, tried too often or for another device: ask for another."
    )
    return DaemonError(
        "code_refused", message, field="code", extra={"reason": str(Refusal.CODE_REFUSED)}
    )
