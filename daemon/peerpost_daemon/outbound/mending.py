"""Mending: our chains that stand otherwise at the relay than in this vault. Nothing is sent there meanwhile.

    the relay has less      it was restored from an older copy: what we still have the bytes of goes again, in its
                            order; where the bytes are gone the chain is resumed behind them; then sending goes on
    its roster is shorter   the changes that it lost are submitted again, whoever signed them, each before the first
                            envelope that was sealed under it; a channel that it does not know, from its beginning on
    the relay claims more   this vault was restored, or the relay lies: sending goes on once the stream has brought
                            our own envelopes up to there, verified; a lie holds a channel until the next session
    it has new receipts     sending goes on once they were read: a receiver may be ahead of us (leaping.py)

Attacker: the relay. What it claims is compared and never taken over, and what it claims to have lost it gets again by
its message ids, of which it can store each only once.
"""

import asyncio
import logging
from collections.abc import Callable

from peerpost_daemon.asking import ask
from peerpost_daemon.bell import Bell
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link.errors import LinkError, RefusedError
from peerpost_daemon.link.relay_link import RelayLink
from peerpost_daemon.records import alarms, channels, kept, own_chain
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.records.kept import Kept
from peerpost_daemon.records.own_chain import Claim, Found
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.chain import Link
from peerpost_protocol.envelope import parse_envelope
from peerpost_protocol.frames import (
    Accepted,
    Publish,
    ResumeChain,
    SubmitRosterEvent,
    decode_signed,
)

PAGE = 16
"""Kept envelopes read at once, each of up to 512 KiB."""
RETRY_SECONDS = 1.0
ROSTER_RETRY_SECONDS = 30.0
"""After the relay did not take a change: it may, once the cards that it lost with it are there again."""
NOT_OURS_TO_BRING = frozenset({"unknown_channel", "not_a_member"})
"""The relay lost that we are a member: somebody else has to bring that, then `joined` is heard."""

_log = logging.getLogger(__name__)


class _RosterRefusedError(Exception):
    """Say that the relay does not take a change of a roster again, for now."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class Mending:
    """Hold channels whose chains do not agree, and bring them together. `again` makes the pump look anew."""

    def __init__(
        self, database: Database, link: RelayLink, bell: Bell, *, now_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._link = link
        self._bell = bell
        self._now_ms = now_ms
        self.again: Callable[[], None] = lambda: None
        self._lost: dict[bytes, Link | None] = {}
        self._claimed: dict[bytes, Claim] = {}
        self._rosters: dict[
            bytes, int
        ] = {}  # channel: the roster position up to which the relay is
        self._put_off: set[bytes] = set()  # of these: what it did not take
        self._joined: set[bytes] = (
            set()
        )  # of these: where somebody else has brought that we are a member
        self._unread: dict[
            bytes, int
        ] = {}  # channel: the revision up to which receipts are read first
        self._told: set[bytes] = set()  # claims of which people have been told
        self._stuck: set[bytes] = set()  # the relay does not let them go on in this session
        self._woken = asyncio.Event()
        self._online = False

    def waiting(self) -> frozenset[bytes]:
        """Return the channels in which nothing may be sealed or sent now."""
        held = frozenset(self._lost) | frozenset(self._claimed) | frozenset(self._stuck)
        return held | frozenset(self._rosters) | frozenset(self._unread)

    def begin(self, found: Found) -> None:
        """Take what a new session's states have shown; what an earlier one said is forgotten."""
        self._lost.clear()
        self._claimed.clear()
        self._rosters.clear()
        self._put_off.clear()
        self._joined.clear()
        self._stuck.clear()
        self._told.clear()
        self._unread = dict(found.receipts)
        self.add(found)

    def add(self, found: Found) -> None:
        """Take what was found within a session."""
        self._lost.update(found.lost)
        self._claimed.update(found.claimed)
        self._rosters.update(found.rosters)
        self._woken.set()

    def look(self) -> None:
        """Look whether what was stored confirms a claim, or is what was to be read first."""
        if self._claimed or self._unread:
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
            try:
                if self._unread:
                    await self._read_up()
                if self._claimed:
                    await self._confirm()
                for channel in [*self._rosters, *self._lost] if self._online else ():
                    if channel not in self._put_off:
                        await self._try_to_mend(channel)
            except (LinkError, DaemonError) as error:
                _log.warning("chains wait to be mended: %s", error.kind)
                self._later(RETRY_SECONDS)

    async def _try_to_mend(self, channel: bytes) -> None:
        try:
            if channel in self._lost:
                await self._mend(channel)
            if channel in self._rosters:
                await self._give_back(channel)
        except _RosterRefusedError as error:
            await self._put_roster_off(channel, error)
        except RefusedError as error:  # one that comes back: the others need not wait for it
            _log.info("a chain waits to be mended: %s", error.kind)
            self._later((error.retry_after_ms or 0) / 1000 or RETRY_SECONDS)

    def _later(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._woken.set)

    async def _read_up(self) -> None:
        """Let go on where all receipts were read that the relay had when this session began."""
        unread = dict(self._unread)

        def look(db: SqlConnection) -> list[bytes]:
            return [id_ for id_, end in unread.items() if channels.receipts_cursor(db, id_) >= end]

        read = await self._database.read(look)
        for id_ in read:
            if self._unread.get(id_) == unread[id_]:
                del self._unread[id_]
        if read:
            self.again()

    # --- the relay's roster is shorter

    async def _give_back(self, id_: bytes) -> None:
        """Submit all that the relay lost of a roster, and say so. Raises LinkError."""
        channel = await self._database.read(lambda db: channels.find(db, id_))
        before = self._rosters[id_]
        if channel is not None:
            await self._roster_upto(id_, channel.roster.position)
            count, now_ms = channel.roster.position - before, self._now_ms()
            detail = f"{count} changes of {channel.roster.name}"
            await self._database.write(
                lambda db: alarms.sound(db, "roster_given_back", detail, now_ms, id_)
            )
            self._bell.ring()
        self._rosters.pop(id_, None)
        self.again()

    async def _roster_upto(self, id_: bytes, position: int) -> None:
        """Submit events until the relay's roster is at a position; others may do the same. Raises LinkError."""
        while self._rosters.get(id_, position) < position:
            next_ = self._rosters[id_] + 1
            signed = await self._database.read(lambda db, at=next_: channels.event_at(db, id_, at))  # type: ignore[misc]
            if signed is None:
                raise _RosterRefusedError("unknown_roster", "that change is not held here")
            try:
                await ask(self._link, SubmitRosterEvent(0, decode_signed(signed)), Accepted)
            except RefusedError as error:
                if error.come_back:
                    raise
                raise _RosterRefusedError(error.kind, error.detail) from error
            self._rosters[id_] = next_

    async def _put_roster_off(self, id_: bytes, error: "_RosterRefusedError") -> None:
        _log.info("the relay does not take a change again that it lost: %s", error.kind)
        if error.kind in NOT_OURS_TO_BRING and id_ in self._joined:
            self._joined.discard(id_)
            self._later(RETRY_SECONDS)
            return
        self._put_off.add(id_)
        asyncio.get_running_loop().call_later(ROSTER_RETRY_SECONDS, self._try_again, id_)
        if id_ not in self._told and error.kind not in NOT_OURS_TO_BRING:
            self._told.add(id_)
            detail, now_ms = f"change {self._rosters.get(id_, 0) + 1}: {error.kind}", self._now_ms()
            await self._database.write(
                lambda db: alarms.sound(db, "roster_not_given_back", detail, now_ms, id_)
            )
            self._bell.ring()

    def _try_again(self, id_: bytes) -> None:
        self._put_off.discard(id_)
        self._woken.set()

    def joined(self, id_: bytes) -> None:
        """Try at once to give back what could not be: somebody else has brought that we are a member."""
        if id_ in self._rosters:
            self._joined.add(id_)  # it may be asked for at this moment, and refused yet
            self._try_again(id_)

    # --- the relay claims more

    async def _confirm(self) -> None:
        """Let go on what the stream has confirmed; tell of what it has not, once it is read to its end."""
        claimed, now_ms = dict(self._claimed), self._now_ms()
        told = frozenset(self._told)

        def look(db: SqlConnection) -> tuple[set[bytes], set[bytes]]:
            done, unproven = set(), set()
            for id_, claim in claimed.items():
                channel = channels.find(db, id_)
                if channel is None or own_chain.is_ours(db, channel, claim.link):
                    done.add(id_)
                    _tell_recovered(db, id_, claim, now_ms)
                elif channel.cursor >= claim.last and id_ not in told:
                    unproven.add(id_)
                    _tell_claimed(db, channel, claim, now_ms)
            return done, unproven

        done, unproven = await self._database.write(look)
        self._told |= unproven
        for id_ in done:
            if self._claimed.get(id_) == claimed[id_]:
                del self._claimed[id_]
        if done or unproven:
            self._bell.ring()
            self.again()

    # --- the relay has less

    async def _mend(self, id_: bytes) -> None:
        """Bring a chain back to the relay. Raises LinkError, to be tried again from where it was."""
        channel = await self._database.read(lambda db: channels.find(db, id_))
        first = self._lost[id_]
        if channel is None or channel.sent is None:
            del self._lost[id_]
            return
        refusal = None
        again = 0
        try:
            again = await self._send_again(channel, channel.sent)
            await self._roster_upto(id_, channel.roster.position)
            if self._lost[id_] != channel.sent:
                await self._resume(id_, channel.sent)
        except RefusedError as error:
            if error.come_back:
                raise
            refusal = error.kind
            self._stuck.add(id_)
        del self._lost[id_]
        lost, now_ms = _lost_detail(channel, first, again, refusal), self._now_ms()
        await self._database.write(
            lambda db: alarms.sound(db, "relay_lost_messages", lost, now_ms, id_)
        )
        self._bell.ring()
        self.again()

    async def _send_again(self, channel: Channel, sent: Link) -> int:
        """Publish what is kept, in its order; return how many the relay took."""
        again = 0
        seen = self._sequence(channel.id)
        while page := await self._page(channel.id, seen, sent.sequence):
            for one in page:
                seen = one.link.sequence
                header = parse_envelope(one.envelope).header
                await self._roster_upto(channel.id, header.roster_position)
                await self._resume_before(channel.id, one)
                again += await self._publish(channel.id, one)
        return again

    def _sequence(self, id_: bytes) -> int:
        stands = self._lost[id_]
        return stands.sequence if stands else 0

    async def _page(self, id_: bytes, after: int, upto: int) -> list[Kept]:
        return await self._database.read(lambda db: kept.after(db, id_, after, upto, PAGE))

    async def _resume_before(self, id_: bytes, one: Kept) -> None:
        previous = parse_envelope(one.envelope).header.previous
        before = Link(one.link.sequence - 1, previous) if previous else None
        if before is not None and before != self._lost[id_]:
            await self._resume(id_, before)

    async def _publish(self, id_: bytes, one: Kept) -> bool:
        try:
            await ask(self._link, Publish(0, one.envelope), Accepted)
        except RefusedError as error:
            if error.come_back:
                raise
            _log.info("the relay does not take again what it lost: %s", error.kind)
            return False
        self._lost[id_] = one.link
        return True

    async def _resume(self, id_: bytes, link: Link) -> None:
        await ask(self._link, ResumeChain(0, id_, link.sequence, link.id), Accepted)
        self._lost[id_] = link


def _lost_detail(channel: Channel, first: Link | None, again: int, refusal: str | None) -> str:
    assert channel.sent is not None
    after = first.sequence if first else 0
    count = channel.sent.sequence - after
    detail = f"{count} messages of ours in {channel.roster.name}, after {after}; {again} sent again"
    return f"{detail}; the chain cannot go on: {refusal}" if refusal else detail


def _tell_recovered(db: SqlConnection, id_: bytes, claim: Claim, now_ms: int) -> None:
    detail = f"{claim.ours} became {claim.link.sequence}"
    alarms.sound(db, "sequence_recovered", detail, now_ms, id_)


def _tell_claimed(db: SqlConnection, channel: Channel, claim: Claim, now_ms: int) -> None:
    detail = (
        f"the relay names our envelope {claim.link.sequence} in {channel.roster.name} and does "
        f"not bring it; {claim.ours} is known here, and nothing is sent there"
    )
    alarms.sound(db, "sequence_claimed", detail, now_ms, channel.id)
