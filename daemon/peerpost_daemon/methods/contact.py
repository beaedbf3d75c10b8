"""contact.*: the identities this daemon knows, and the cards it takes for theirs."""

from collections.abc import Iterator

from msgspec import Struct

from peerpost_daemon import views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.params import CardParam, IdentityParam, NoParams, identity
from peerpost_daemon.records import contacts
from peerpost_daemon.rpc import Call, Method, Requires, Scope


class Show(Struct, frozen=True, forbid_unknown_fields=True):
    """Take an identity."""

    identity: IdentityParam


class Accept(Struct, frozen=True, forbid_unknown_fields=True):
    """Take an identity, and one of its offered cards (none given: all of them)."""

    identity: IdentityParam
    card: CardParam | None = None


class ContactMethods:
    """The methods of the noun."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare them."""
        unknown = ("unknown_identity",)
        yield Method.of("contact.list", self.list, scope=Scope.RECEIVE, requires=Requires.VAULT)
        yield Method.of(
            "contact.show",
            self.show,
            scope=Scope.RECEIVE,
            requires=Requires.VAULT,
            errors=unknown,
        )
        yield Method.of(
            "contact.accept",
            self.accept,
            scope=Scope.ADMIN,
            errors=(*unknown, "relay_unreachable", "storage_full", "storage_failed"),
        )

    async def list(self, params: NoParams, call: Call) -> views.Contacts:  # noqa: ARG002 - a handler's shape
        """List the identities this daemon knows."""
        found = await self._daemon.read(contacts.everyone)
        return views.Contacts([views.contact(each) for each in found])

    async def show(self, params: Show, call: Call) -> views.Contact:  # noqa: ARG002
        """Show one identity and its cards."""
        return await self._contact(identity(params.identity))

    async def accept(self, params: Accept, call: Call) -> views.Contact:  # noqa: ARG002
        """Trust the offered cards of an identity, or one of them; what they had sent is taken now."""
        who = identity(params.identity)
        card = bytes.fromhex(params.card) if params.card else None
        await self._daemon.engine.contacts_accept(who, card)
        return await self._contact(who)

    async def _contact(self, who: str) -> views.Contact:
        found = await self._daemon.read(lambda db: contacts.find(db, who))
        if found is None:
            message = f"This daemon has not met {who} yet."
            raise DaemonError("unknown_identity", message, field="identity")
        return views.contact(found)
