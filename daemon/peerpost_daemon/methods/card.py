"""card.*: the relay's directory, and statements about the cards of this account's identity."""

from collections.abc import Iterator

from msgspec import Struct

from peerpost_daemon import views
from peerpost_daemon.asking import public
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link import LinkError
from peerpost_daemon.methods.params import CardParam, IdentityParam, identity
from peerpost_daemon.records import contacts, lineage
from peerpost_daemon.rpc import Call, Method, Scope
from peerpost_daemon.trust import counts
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card
from peerpost_protocol.history import CardState
from peerpost_protocol.statement import Reason


class Search(Struct, frozen=True, forbid_unknown_fields=True):
    """Take an identity."""

    identity: IdentityParam


class Show(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a card's id; without one it is this daemon's own."""

    card: CardParam | None = None


class Endorse(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the id of another card of this identity."""

    card: CardParam


class Revoke(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the id of a card of this identity, and why it ends. What a lost one still says is shown to nobody."""

    card: CardParam
    reason: Reason = Reason.RETIRED


class CardMethods:
    """The methods of the noun."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare them."""
        yield Method.of(
            "card.search",
            self.search,
            scope=Scope.RECEIVE,
            errors=("relay_unreachable", "relay_refused"),
        )
        relay = ("relay_unreachable", "relay_refused")
        yield Method.of(
            "card.show", self.show, scope=Scope.RECEIVE, errors=("unknown_card", *relay)
        )
        changed = ("unknown_card", *relay, "storage_full", "storage_failed")
        yield Method.of("card.endorse", self.endorse, scope=Scope.ADMIN, errors=changed)
        yield Method.of("card.revoke", self.revoke, scope=Scope.ADMIN, errors=changed)

    async def search(self, params: Search, call: Call) -> views.CardsFound:  # noqa: ARG002 - a handler's shape
        """Ask the relay's directory for the live cards of an identity; none of them is met by it."""
        own = self._daemon.account.card.id
        directory, who = self._daemon.engine.directory, identity(params.identity)
        try:
            found = await directory.search([who])
            await directory.note_attestations()
        except LinkError as error:
            raise public(error) from error
        return views.CardsFound(
            [
                views.card_found(
                    each.card,
                    each.attestation,
                    trusted=(each.trust is not None and counts(each.trust)) or each.card.id == own,
                )
                for each in found
            ]
        )

    async def show(self, params: Show, call: Call) -> views.CardShown:  # noqa: ARG002
        """Show a card by its id, this daemon's own if none is given."""
        own = self._daemon.account.card
        id_ = bytes.fromhex(params.card) if params.card else own.id
        if id_ == own.id:  # without an engine, which a rotation sets up anew
            return await self._daemon.read(lambda db: _shown(db, own, own))
        try:
            found = await self._daemon.engine.directory.known_or_fetched({id_}, own)
        except LinkError as error:
            raise public(error) from error
        if id_ not in found:
            raise DaemonError("unknown_card", "The relay has no card of that id.", field="card")
        return await self._daemon.read(lambda db: _shown(db, found[id_], own))

    async def endorse(self, params: Endorse, call: Call) -> views.CardShown:
        """Vouch for another card of this account's identity; it counts from then on."""
        await self._daemon.engine.devices.endorse(bytes.fromhex(params.card))
        return await self.show(Show(params.card), call)

    async def revoke(self, params: Revoke, call: Call) -> views.CardShown:
        """End a card of this account's identity for good: nothing more is sealed to it."""
        await self._daemon.engine.devices.revoke(bytes.fromhex(params.card), params.reason)
        return await self.show(Show(params.card), call)


def _shown(db: SqlConnection, card: Card, own: Card) -> views.CardShown:
    history = lineage.find(db, card.identity)
    standing = contacts.standing(db, card.id)
    trusted = card.id == own.id or (standing is not None and counts(standing.trust))
    state = history.state(card.id) if history else CardState.UNENDORSED
    return views.card_shown(card, state, trusted=trusted)
