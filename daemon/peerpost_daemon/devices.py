"""Devices: the cards of this account's identity, and what this device states about them.

A statement signs its place in the history, so it is made for the newest known end and made again when another device
was first. Attacker: the relay, which may offer any card as a waiting one; only the card whose code the owner typed is
endorsed, and what was fetched is the card that was shown, because its id is its hash.
"""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from peerpost_daemon import link_code
from peerpost_daemon.asking import Relay, ask, public
from peerpost_daemon.directory import Directory, verified
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.histories import Histories
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.outbound.sealing import Sender
from peerpost_daemon.records import lineage
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.frames import Accepted, Cards, ReadWaitingCards, SubmitStatement
from peerpost_protocol.history import CardState, Counted, History
from peerpost_protocol.statement import (
    Claim,
    Endorse,
    Reason,
    Revoke,
    StatementBody,
    sign_statement,
)

MAX_TRIES: Final = 3
"""Times a statement is signed anew because another device's came first."""


class Device(Struct, frozen=True):
    """Be a card of this account's identity, and where it stands."""

    card: Card
    state: CardState
    counted: Counted | None


class Devices:
    """Know and change the cards of one identity."""

    def __init__(
        self,
        database: Database,
        directory: Directory,
        histories: Histories,
        relay: Relay,
        sender: Sender,
        *,
        now_ms: Callable[[], int],
        changed: Callable[[], None],
    ) -> None:
        self._database = database
        self._directory = directory
        self._histories = histories
        self._relay = relay
        self._me = sender
        self._now_ms = now_ms
        self._changed = changed

    async def all(self) -> list[Device]:
        """Return all cards that ever counted, and those that wait. Raises DaemonError relay_*."""
        try:
            history = await self._history()
            waiting = (
                await self._waiting() if history.state(self._me.card.id) is CardState.LIVE else []
            )
        except LinkError as error:
            raise public(error) from error
        found = [Device(c.card, history.state(id_), c) for id_, c in history.cards.items()]
        found += [Device(card, CardState.UNENDORSED, None) for card in waiting]
        if self._me.card.id not in {one.card.id for one in found}:
            found.append(Device(self._me.card, history.state(self._me.card.id), None))
        return found

    async def approve(self, code: str) -> Card:
        """Endorse the waiting card that a code names; return it. Raises DaemonError unknown_card, relay_*."""
        try:
            named = [card for card in await self._waiting() if link_code.names(code, card.id)]
        except LinkError as error:
            raise public(error) from error
        if not named:
            raise DaemonError("unknown_card", "No waiting device has that code.", field="code")
        await self.endorse(named[0].id)
        return named[0]

    async def endorse(self, card: bytes) -> None:
        """Vouch for a card of this identity. Raises DaemonError unknown_card, relay_*."""
        await self._state(card, Endorse())

    async def revoke(self, card: bytes, reason: Reason) -> None:
        """End a card of this identity. Raises DaemonError unknown_card, relay_*."""
        await self._state(card, Revoke(reason))

    async def _state(self, subject: bytes, claim: Claim) -> None:
        try:
            for _ in range(MAX_TRIES):
                if await self._submitted(subject, claim):
                    break
            else:
                message = "Other devices changed the history at the same time; try again."
                raise DaemonError("relay_refused", message, retry_after=1.0)
            await self._histories.refresh([self._me.card.identity])
        except RefusedError as error:
            if error.kind == "unknown_card":
                message = "The relay has no such card of this identity."
                raise DaemonError("unknown_card", message, field="card") from error
            raise public(error) from error
        except LinkError as error:
            if not _ended_itself(subject, claim, self._me.card):
                raise public(error) from error
        self._changed()

    async def _submitted(self, subject: bytes, claim: Claim) -> bool:
        """Sign for the newest end and submit; return False when another statement has the place."""
        history = await self._history()
        author = self._me.card.id
        body = StatementBody(
            author,
            subject,
            history.identity,
            self._now_ms(),
            history.length,
            history.head,
            claim,
        )
        signed = sign_statement(self._me.keys.signing, body)
        try:
            await ask(self._relay, SubmitStatement(0, signed), Accepted)
        except RefusedError as error:
            if error.kind != "history_conflict":
                raise
            return False
        return True

    async def _history(self) -> History:
        identity = self._me.card.identity
        await self._histories.refresh([identity])
        history = await self._database.read(lambda db: lineage.find(db, identity))
        if history is None:
            raise DaemonError("relay_refused", "The relay shows no history of this identity.")
        return history

    async def _waiting(self) -> Sequence[Card]:
        answer = await ask(self._relay, ReadWaitingCards(0), Cards)
        cards = [verified(record) for record in answer.records]
        return [card for card in cards if card and card.identity == self._me.card.identity]


def _ended_itself(subject: bytes, claim: Claim, me: Card) -> bool:
    """Say whether the session ended because this card revoked itself: then there is nobody to ask any more."""
    return isinstance(claim, Revoke) and subject == me.id
