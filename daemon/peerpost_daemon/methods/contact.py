"""contact.*: the identities this daemon knows, the cards it takes for theirs, and the numbers to compare."""

import asyncio
from collections.abc import Iterator

from msgspec import Struct

from peerpost_daemon import views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.params import IdentityParam, NoParams, identity
from peerpost_daemon.records import contacts
from peerpost_daemon.rpc import Call, Method, Requires, Scope
from peerpost_daemon.safety_number import safety_number


class Show(Struct, frozen=True, forbid_unknown_fields=True):
    """Take an identity."""

    identity: IdentityParam


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
            "contact.safety_number",
            self.safety_number,
            scope=Scope.RECEIVE,
            errors=(*unknown, "untrusted_contact", "relay_unreachable", "relay_refused"),
        )

    async def list(self, params: NoParams, call: Call) -> views.Contacts:  # noqa: ARG002 - a handler's shape
        """List the identities this daemon knows."""
        found = await self._daemon.read(contacts.everyone)
        return views.Contacts([views.contact(each) for each in found])

    async def show(self, params: Show, call: Call) -> views.Contact:  # noqa: ARG002
        """Show one identity and its cards."""
        return await self._contact(identity(params.identity))

    async def safety_number(self, params: Show, call: Call) -> views.SafetyNumber:  # noqa: ARG002
        """Return the number to compare with somebody over another way; whoever is unknown is looked up."""
        who, own = identity(params.identity), self._daemon.account.card
        theirs = await self._daemon.read(lambda db: contacts.counting(db, who))
        if not theirs:
            theirs = await self._daemon.engine.channels.met(who)
        ours = await self._daemon.read(lambda db: contacts.own_cards(db, own))
        number = await asyncio.to_thread(safety_number, ours, theirs)
        state = await self._daemon.read(lambda db: contacts.state(db, who))
        return views.safety_number(who, state, number)

    async def _contact(self, who: str) -> views.Contact:
        found = await self._daemon.read(lambda db: contacts.find(db, who))
        if found is None:
            message = f"This daemon has not met {who} yet."
            raise DaemonError("unknown_identity", message, field="identity")
        return views.contact(found)
