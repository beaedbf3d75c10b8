"""contact.*: what somebody here decides about an identity: accepted, verified, blocked, named, listed.

Each is one transaction, and says itself by `contact.changed`; messages that it lets through are released behind it.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Final

from msgspec import Meta, Struct

from peerpost_daemon import event_data, fingerprints, views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.params import (
    CardParam,
    ChannelParam,
    IdentityParam,
    identity,
    the_channel,
)
from peerpost_daemon.records import contacts, events, judgement, policies
from peerpost_daemon.records.contacts import own_cards
from peerpost_daemon.rpc import Call, Method, Scope
from peerpost_daemon.safety_number import read_number, safety_number, same
from peerpost_daemon.trust import ContactState, Policy, Step, after
from peerpost_daemon.vault.connection import SqlConnection

MAX_ALIAS_CHARACTERS: Final = 64
MAX_NUMBER_CHARACTERS: Final = 256

AliasParam = Annotated[
    str, Meta(pattern=r"^[\w.-]([\w. -]{0,62}[\w.-])?\Z", max_length=MAX_ALIAS_CHARACTERS)
]
NumberParam = Annotated[
    str,
    Meta(
        max_length=MAX_NUMBER_CHARACTERS,
        description="60 digits, in groups or not, or a QR code's text",
    ),
]
ListParam = Annotated[
    str,
    Meta(
        max_length=fingerprints.MAX_LIST_CHARACTERS,
        description="an identity and a fingerprint on each line",
    ),
]


class Accept(Struct, frozen=True, forbid_unknown_fields=True):
    """Take an identity, and one of its offered cards (none given: all of them)."""

    identity: IdentityParam
    card: CardParam | None = None


class Verify(Struct, frozen=True, forbid_unknown_fields=True):
    """Take an identity and the safety number that its owner sees."""

    identity: IdentityParam
    safety_number: NumberParam


class Judged(Struct, frozen=True, forbid_unknown_fields=True):
    """Take an identity."""

    identity: IdentityParam


class Name(Struct, frozen=True, forbid_unknown_fields=True):
    """Take an identity and its name here; without a name it has none."""

    identity: IdentityParam
    alias: AliasParam | None = None


class SetPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """Take an identity or a channel, and its policy; without a policy the default holds."""

    identity: IdentityParam | None = None
    channel: ChannelParam | None = None
    policy: Policy | None = None


class Listing(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a list of fingerprints."""

    fingerprints: ListParam


class JudgingMethods:
    """The methods that decide."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare them."""
        stored = ("storage_full", "storage_failed")
        moved = ("unknown_identity", "wrong_contact_state", *stored)
        yield Method.of("contact.accept", self.accept, scope=Scope.ADMIN, errors=moved)
        yield Method.of(
            "contact.verify",
            self.verify,
            scope=Scope.ADMIN,
            errors=(*moved, "safety_number_differs"),
        )
        yield Method.of("contact.block", self.block, scope=Scope.ADMIN, errors=moved[1:])
        yield Method.of("contact.unblock", self.unblock, scope=Scope.ADMIN, errors=moved)
        yield Method.of(
            "contact.name", self.name, scope=Scope.ADMIN, errors=("alias_taken", *stored)
        )
        yield Method.of(
            "contact.policy",
            self.policy,
            scope=Scope.ADMIN,
            errors=("unknown_channel", "ambiguous_channel", *stored),
        )
        yield Method.of(
            "contact.known",
            self.known,
            scope=Scope.ADMIN,
            errors=("bad_fingerprint", "too_large", *stored),
        )

    async def accept(self, params: Accept, call: Call) -> views.Contact:  # noqa: ARG002 - a handler's shape
        """Trust the offered cards of an identity, or one of them; what they had sent is taken now."""
        who = identity(params.identity)
        card = bytes.fromhex(params.card) if params.card else None
        now_ms = self._daemon.clock()

        def decide(db: SqlConnection) -> None:
            _require_met(db, who)
            contacts.accept(db, who, card, now_ms)

        return await self._judge(who, "accepted", decide)

    async def verify(self, params: Verify, call: Call) -> views.Contact:  # noqa: ARG002
        """Compare a safety number with the one seen here; if they are the same, the contact is verified."""
        who = identity(params.identity)
        number = read_number(params.safety_number)
        if number is None:
            message = "A safety number has 60 digits."
            raise DaemonError("invalid_params", message, field="safety_number")
        own, now_ms = self._daemon.account.card, self._daemon.clock()

        def decide(db: SqlConnection) -> None:
            _require_met(db, who)
            after(contacts.state(db, who), Step.VERIFY)
            if not same(number, safety_number(own_cards(db, own), contacts.counting(db, who))):
                message = f"{who} has another safety number: do not trust it before you know why."
                raise DaemonError("safety_number_differs", message, field="safety_number")
            judgement.verify(db, who, now_ms)

        return await self._judge(who, "verified", decide)

    async def block(self, params: Judged, call: Call) -> views.Contact:  # noqa: ARG002
        """Send nothing more to an identity, show nothing more of it, and drop what was held of it."""
        who, now_ms = identity(params.identity), self._daemon.clock()
        return await self._judge(who, "blocked", lambda db: judgement.block(db, who, now_ms))

    async def unblock(self, params: Judged, call: Call) -> views.Contact:  # noqa: ARG002
        """Take a blocked identity as it was met; that it was verified is forgotten."""
        who, now_ms = identity(params.identity), self._daemon.clock()

        def decide(db: SqlConnection) -> None:
            _require_met(db, who)
            judgement.unblock(db, who, now_ms)

        return await self._judge(who, "unblocked", decide)

    async def name(self, params: Name, call: Call) -> views.Contact:  # noqa: ARG002
        """Give an identity another name on this daemon, or take it."""
        who, now_ms = identity(params.identity), self._daemon.clock()
        return await self._judge(
            who, "named", lambda db: judgement.name(db, who, params.alias, now_ms)
        )

    async def policy(self, params: SetPolicy, call: Call) -> views.PolicySet:  # noqa: ARG002
        """Set what is believed of an identity, or of everybody in a channel."""
        if (params.identity is None) is (params.channel is None):
            message = "Name either an identity or a channel."
            raise DaemonError("invalid_params", message, field="identity")
        who = identity(params.identity) if params.identity is not None else None
        now_ms = self._daemon.clock()

        def decide(db: SqlConnection) -> None:
            if who is not None:
                policies.set_contact(db, who, params.policy, now_ms)
            else:
                channel = the_channel(db, params.channel or "")
                policies.set_channel(db, channel.id, params.policy)

        await self._store(decide)
        default = await self._daemon.read(policies.default)
        return views.PolicySet(who, params.channel, params.policy, default)

    async def known(self, params: Listing, call: Call) -> views.Listed:  # noqa: ARG002
        """Take a list of fingerprints: of a listed identity only these cards are believed, as verified."""
        listed = fingerprints.parse(params.fingerprints)
        now_ms = self._daemon.clock()
        verified: list[str] = []

        def decide(db: SqlConnection) -> None:
            verified[:] = judgement.list_fingerprints(db, listed, now_ms)
            for who in verified:
                _tell(db, who, "verified", now_ms)

        await self._store(decide)
        return views.Listed(len(listed), verified)

    async def _judge(
        self, who: str, reason: str, decide: Callable[[SqlConnection], object]
    ) -> views.Contact:
        now_ms = self._daemon.clock()

        def store(db: SqlConnection) -> None:
            decide(db)
            _tell(db, who, reason, now_ms)

        await self._store(store)
        found = await self._daemon.read(lambda db: contacts.find(db, who))
        assert found is not None
        return views.contact(found)

    async def _store(self, decide: Callable[[SqlConnection], None]) -> None:
        if (engine := self._daemon.running) is not None:
            await engine.judge(decide)
        else:
            await self._daemon.write(decide)
            self._daemon.bell.ring()


def _require_met(db: SqlConnection, who: str) -> None:
    if contacts.state(db, who) is ContactState.UNKNOWN:
        message = f"This daemon has not met {who} yet."
        raise DaemonError("unknown_identity", message, field="identity")


def _tell(db: SqlConnection, who: str, reason: str, now_ms: int) -> None:
    data = event_data.ContactChangedData(who, None, reason, contacts.state(db, who).value)
    events.add(db, event_data.CONTACT_CHANGED, now_ms, data)
