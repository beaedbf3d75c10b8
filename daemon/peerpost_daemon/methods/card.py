"""card.*: the relay's directory."""

from collections.abc import Iterator

from msgspec import Struct

from peerpost_daemon import views
from peerpost_daemon.asking import public
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.link import LinkError
from peerpost_daemon.methods.params import IdentityParam, identity
from peerpost_daemon.rpc import Call, Method, Scope
from peerpost_daemon.trust import counts


class Search(Struct, frozen=True, forbid_unknown_fields=True):
    """Take an identity."""

    identity: IdentityParam


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

    async def search(self, params: Search, call: Call) -> views.CardsFound:  # noqa: ARG002 - a handler's shape
        """Ask the relay's directory for the live cards of an identity; nothing is stored."""
        own = self._daemon.account.card.id
        directory, who = self._daemon.engine.directory, identity(params.identity)
        try:
            found = await directory.search([who])
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
