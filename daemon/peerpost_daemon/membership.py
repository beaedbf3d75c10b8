"""Membership: begin channels and change who is in them, by signed roster events.

A new channel is stored before the relay hears of it, so it can be made offline and messages can be queued for it. A
change of an existing channel needs the relay, because only the relay can say that the roster has not moved meanwhile;
it takes effect here when the stream brings it back, in its place among the messages.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

from msgspec import structs

from peerpost_daemon import kinship
from peerpost_daemon.asking import Relay, ask, public
from peerpost_daemon.bell import Bell
from peerpost_daemon.directory import Directory
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.intentions import Intention, basis, first, still
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.outbound.sealing import Sender
from peerpost_daemon.records import channels, contacts, lineage, outbox, rotation
from peerpost_daemon.records.channels import Channel, ChannelState
from peerpost_daemon.trust import ContactState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.errors import ProtocolError, RosterError
from peerpost_protocol.frames import Accepted, SubmitRosterEvent
from peerpost_protocol.roster import (
    Add,
    Change,
    Create,
    Leave,
    Member,
    Remove,
    Role,
    Roster,
    RosterEvent,
    apply_event,
    sign_event,
)

NONCE_BYTES = 32
REPLACED_RETRY_SECONDS = 2.0
SEEN_SECONDS = 10.0
"""How long a change waits to come back by the stream once the relay has it."""
MAX_TRIES = 3
"""Times a change is signed anew because somebody else's came first."""

_ROSTER_KINDS = {
    "not_a_member": "not_a_member",
    "not_an_admin": "not_an_admin",
    "too_many_members": "too_large",
    "banned": "banned",
}
_ROSTER_SENTENCES = {
    "not_a_member": "This account is no member of the channel any more.",
    "not_an_admin": "The role of this account does not allow this change.",
}


class Membership:
    """Make channels and change their rosters."""

    def __init__(
        self,
        database: Database,
        directory: Directory,
        relay: Relay,
        sender: Sender,
        bell: Bell,
        *,
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._directory = directory
        self._relay = relay
        self._me = sender
        self._bell = bell
        self._now_ms = now_ms
        self.admit: Callable[[bytes], Awaitable[None]] = _nothing

    async def create(self, name: str, identities: Sequence[str]) -> bytes:
        """Begin a channel with others; return its id, stored as pending.

        Raises DaemonError: unknown_identity, untrusted_contact, relay_unreachable, relay_refused, too_large.
        """
        members = await self._members(identities)
        return await self._begin(name, members, peer=None)

    async def open_direct(self, peer: str) -> bytes:
        """Return the direct channel with an identity, begun now if there is none; its messages get it.

        Raises LinkError, DaemonError: unknown_identity, untrusted_contact.
        """
        there = await self._database.write(lambda db: _adopt(db, peer))
        if there is not None:
            return there
        theirs = await self._database.read(lambda db: channels.unanswered(db, peer))
        if theirs is not None:  # whoever writes to somebody takes what that one has begun
            await self.admit(theirs)
            return theirs
        members = [await self._member(peer)]
        return await self._begin("", members, peer=peer)

    async def add(
        self, channel: bytes, identities: Sequence[str], role: Role = Role.MEMBER
    ) -> None:
        """Add members. Raises DaemonError as `create` does, and as `change` does."""
        members = [structs.replace(m, role=role) for m in await self._members(identities)]
        await self.change(channel, Add(tuple(members)))

    async def remove(self, channel: bytes, identities: Sequence[str]) -> None:
        """Remove members. Raises DaemonError: relay_*, not_a_member, not_an_admin."""
        await self.change(channel, Remove(tuple(identities)))

    async def leave(self, channel: bytes) -> None:
        """Leave a channel. Raises DaemonError: relay_*, not_a_member."""
        await self.change(channel, Leave())

    async def change(self, id_: bytes, wanted: Intention) -> None:
        """Change a roster; sign again as long as that means the same.

        Raises DaemonError: relay_*, not_a_member, not_an_admin, banned, too_large, channel_changed, timeout.
        """
        roster = await self._roster(id_)
        before = basis(wanted, roster)
        change: Change | None = first(wanted, roster)
        for _ in range(MAX_TRIES):
            if change is None:
                return  # somebody else has done it meanwhile
            position = await self.submit(roster, change)
            if position is not None:
                await self._seen(id_, position)
                return
            await self._seen(id_, roster.position + 1)
            roster = await self._roster(id_)
            change = still(wanted, roster)
            if change is not None and basis(wanted, roster) != before:
                raise _changed(roster)
        raise DaemonError(
            "relay_refused",
            "Others changed the channel at the same time; try again.",
            retry_after=1.0,
        )

    async def submit(self, roster: Roster, change: Change) -> int | None:
        """Bring a change to the relay; return its roster position, None when another was first. Raises DaemonError."""
        kin = await self._database.read(lambda db: lineage.kin_of(db, roster, self._me.card))
        event = _signed(self._me, roster, change, self._now_ms(), kin)
        try:
            await ask(self._relay, SubmitRosterEvent(0, event.signed), Accepted)
        except RefusedError as error:
            if error.kind != "roster_conflict":
                raise public(error) from error
            return None
        except LinkError as error:
            raise public(error) from error
        return event.body.position

    async def _roster(self, id_: bytes) -> Roster:
        channel = await self._database.read(lambda db: channels.find(db, id_))
        if channel is None:
            raise DaemonError("unknown_channel", "There is no such channel.", field="channel")
        return channel.roster

    async def _begin(self, name: str, members: Sequence[Member], peer: str | None) -> bytes:
        me = self._me.card
        owner = Member(me.identity, Role.OWNER, (me.id,))
        nonce = self._me.random_bytes(NONCE_BYTES)
        create = Create(name, peer is not None, (owner, *members), nonce)
        event = _signed(self._me, None, create, self._now_ms(), ())
        roster = apply_event(None, event)
        now_ms = self._now_ms()
        channel = Channel(
            roster.channel,
            peer,
            ChannelState.PENDING,
            roster,
            now_ms,
            joined_late=False,
            cursor=0,
            own=None,
            sent=None,
        )

        def store(db: SqlConnection) -> bytes:
            # Another caller may have begun the same direct channel, or the stream has brought it.
            if peer is not None and (there := _adopt(db, peer)) is not None:
                return there
            if not rotation.is_sealing(db):
                raise _replaced()
            channels.create(db, channel)
            channels.set_standing(db, roster, me)
            channels.add_event(db, event)
            if peer is not None:
                outbox.direct_to(db, peer, roster.channel)
            return roster.channel

        id_ = await self._database.write(store)
        self._bell.ring()
        return id_

    async def _seen(self, id_: bytes, position: int) -> None:
        """Wait until the stream has brought a roster position, within a bound."""
        seen = self._bell.rings
        try:
            async with asyncio.timeout(SEEN_SECONDS):
                while not await self._has(id_, position):
                    seen = await self._bell.wait(seen)
        except TimeoutError:
            raise DaemonError(
                "timeout", "The change has not come back from the relay yet."
            ) from None

    async def _has(self, id_: bytes, position: int) -> bool:
        channel = await self._database.read(lambda db: channels.find(db, id_))
        return channel is not None and channel.roster.position >= position

    async def _members(self, identities: Sequence[str]) -> list[Member]:
        others = [identity for identity in identities if identity != self._me.card.identity]
        try:
            return [await self._member(identity) for identity in dict.fromkeys(others)]
        except LinkError as error:
            raise public(error) from error

    async def met(self, identity: str) -> tuple[Card, ...]:
        """Return the cards an identity is known by, looked up and met if it is unknown.

        Raises DaemonError: unknown_identity, untrusted_contact, relay_unreachable, relay_refused.
        """
        try:
            await self._member(identity)
        except LinkError as error:
            raise public(error) from error
        return await self._database.read(lambda db: contacts.counting(db, identity))

    async def _member(self, identity: str) -> Member:
        cards = await self._database.read(lambda db: _usable(db, identity))
        if not cards:
            found = [one.card for one in await self._directory.search([identity])]
            if not found:
                raise DaemonError(
                    "unknown_identity",
                    f"The directory has no card for {identity}.",
                    field="members",
                    extra={"identity": identity},
                )
            await self._directory.learn([identity])
            now_ms, me = self._now_ms(), self._me.card
            cards = await self._database.write(lambda db: _met(db, found, me, now_ms))
            await self._directory.note_attestations()
        return Member(identity, Role.MEMBER, tuple(card.id for card in cards))


async def _nothing(_channel: bytes) -> None:
    """Admit nothing: whoever keeps requests takes this place."""


def _replaced() -> DaemonError:
    message = "This device's card is being replaced; begin the channel in a moment."
    return DaemonError("relay_unreachable", message, retry_after=REPLACED_RETRY_SECONDS)


def _changed(roster: Roster) -> DaemonError:
    message = "Somebody else changed the same thing at the same time; look again."
    return DaemonError("channel_changed", message, extra={"roster_position": roster.position})


def _usable(db: SqlConnection, identity: str) -> tuple[Card, ...]:
    """Return the cards that a contact is known by; raise DaemonError while it is not to be trusted."""
    contact = contacts.find(db, identity)
    cards = contacts.counting(db, identity)
    if contact is not None and contact.state is not ContactState.UNKNOWN and not cards:
        raise DaemonError(
            "untrusted_contact",
            f"{identity} is {contact.state.value}; accept or unblock it first.",
            extra={"identity": identity},
        )
    return cards


def _met(db: SqlConnection, found: Sequence[Card], me: Card, now_ms: int) -> tuple[Card, ...]:
    """Pin the first card that the directory gave and its kin, offer the others; return those that count.

    Raises DaemonError untrusted_contact when none does.
    """
    for card in found:
        if contacts.standing(db, card.id) is None:
            kinship.meet(db, card, me, now_ms)
    return _usable(db, found[0].identity)


def _adopt(db: SqlConnection, peer: str) -> bytes | None:
    there = channels.direct(db, peer)
    if there is None:
        return None
    outbox.direct_to(db, peer, there.id)
    return there.id


def _signed(
    me: Sender, roster: Roster | None, change: Change, now_ms: int, kin: Collection[bytes]
) -> RosterEvent:
    try:
        return sign_event(me.keys.signing, me.card, roster, change, now_ms, kin=kin)
    except RosterError as error:
        kind = _ROSTER_KINDS.get(error.kind, "invalid_params")
        sentence = _ROSTER_SENTENCES.get(error.kind, f"{error.detail}.")
        raise DaemonError(kind, sentence, field="members") from error
    except ProtocolError as error:
        raise DaemonError("invalid_params", f"{error.detail}.", field=error.field) from error
