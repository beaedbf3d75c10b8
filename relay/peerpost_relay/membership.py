"""Submit a roster event: the rules, in a transaction. The signature of its own author has been verified before.

A member may bring another's event: the relay may have lost it with an older copy of its store. Any copy is as good as
its author's, because it is signed and continues one roster at one place only. The author needs the right to it, now;
whoever brings it needs to be a member before it already (by it, where it begins the channel), so nobody brings himself
into a channel by an event that its author kept to himself or that a later one took back.

Checks, in their order (docs/protocol/frames.md, "submit_roster_event"):
 1. the author's card is known and not revoked
 2. whoever brings another's event is a member of the channel now, or by the event that begins it
 3. the event is new; the same event again is answered with its first position
 4. the channel exists for this card, unless the event begins one
 5. the event continues the stored roster by roster/rules.py
 6. every card listed for a new member is a live card of that identity
 7. no new member's card is in too many channels, or came to this one too often
 8. two identities have one direct channel at most
 9. channel and identity have room for the event. Removing and leaving need none, or whoever fills a channel could not
    be removed from it; there are no more of these than there were additions, which do
"""

from collections.abc import Collection, Iterable

from msgspec import Struct

from peerpost_protocol.errors import RosterError
from peerpost_protocol.frames import Item, ItemKind
from peerpost_protocol.history import CardState
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.roster import (
    Add,
    Create,
    Leave,
    Member,
    Remove,
    Roster,
    RosterEvent,
    apply_event,
)
from peerpost_protocol.wire import encode
from peerpost_relay import histories
from peerpost_relay.errors import RefusalError, refusal_of
from peerpost_relay.outcomes import Appended, Outcome
from peerpost_relay.publishing import (
    UNBOUNDED,
    Room,
    channel_for,
    require_member,
    require_room,
    standing,
)
from peerpost_relay.store import ROWS_BYTES, Channel, Standing, Transaction

JOININGS_MAX = 1_024  # of one card to one channel
NO_CHANNEL = 0  # the number that no channel has


class _Change(Struct, frozen=True):
    """Be the roster after an event, and the numbers of the cards that come, go, and may post or not from now on."""

    roster: Roster
    added: dict[bytes, int]
    removed: dict[bytes, int]
    posts: dict[bool, list[str]]


class _Asked(Struct, frozen=True):
    """Be an event whose author's card counts, and what it may take."""

    event: RosterEvent
    author: Standing
    bringer: Standing
    now_ms: int
    channels_max: int
    room: Room


def submit(
    transaction: Transaction,
    event: RosterEvent,
    now_ms: int,
    channels_max: int,
    room: Room = UNBOUNDED,
    *,
    bringer: bytes | None = None,
) -> Outcome:
    """Store the event and what it changes; raise RefusalError. `bringer`: the session's card, if not the author's."""
    author = standing(transaction, event.author.id)  # 1
    brings = author if bringer is None else standing(transaction, bringer)
    begun = transaction.channel(event.channel) is not None
    if brings != author and (begun or not isinstance(event.body.change, Create)):
        require_member(transaction, channel_for(transaction, event.channel, brings), brings)  # 2
    known = transaction.event(event.id)
    if known is not None:
        return Outcome(*known)  # 3
    asked = _Asked(event, author, brings, now_ms, channels_max, room)
    if isinstance(event.body.change, Create):
        return _begin(transaction, asked)
    channel = channel_for(transaction, event.channel, author)  # 4
    before = transaction.roster(channel.number)
    after = _applied(before, event, _kin(transaction, before, event))  # 5
    change = _changed(transaction, before, after, event, channels_max)
    for number in change.added.values():
        _require_few_joinings(transaction, channel, number)  # 7
    if not isinstance(event.body.change, Remove | Leave):
        require_room(transaction, channel.number, author, _size(event), room)  # 9
    transaction.set_roster(channel.number, after)
    return _stored(transaction, channel, asked, change)


def _begin(transaction: Transaction, asked: _Asked) -> Outcome:
    event = asked.event
    roster = _applied(None, event, ())  # 5
    change = _changed(transaction, None, roster, event, asked.channels_max)
    if asked.bringer != asked.author and asked.bringer.number not in change.added.values():  # 2
        raise RefusalError(Refusal.UNKNOWN_CHANNEL, "there is no such channel for this card")
    pair = None
    if roster.direct:
        pair = " ".join(sorted(roster.members))  # an identity holds no space
        existing = transaction.direct_channel(pair)
        if existing is not None:
            raise RefusalError(  # 8
                Refusal.DIRECT_EXISTS, "these two have a direct channel", subject=existing
            )
    require_room(transaction, NO_CHANNEL, asked.author, _size(event), asked.room)  # 9
    channel = transaction.add_channel(event.channel, roster, pair)
    return _stored(transaction, channel, asked, change)


def _kin(transaction: Transaction, roster: Roster, event: RosterEvent) -> Collection[bytes]:
    """Return the cards that speak for the author's identity without being listed."""
    member = roster.members.get(event.author.identity)
    if member is None or event.author.id in member.cards:
        return ()
    history = histories.load(transaction, member.identity)
    return history.descendants(member.cards) if history else ()


def _applied(roster: Roster | None, event: RosterEvent, kin: Collection[bytes]) -> Roster:
    try:
        return apply_event(roster, event, kin)
    except RosterError as error:
        raise refusal_of(error) from None


def _changed(
    transaction: Transaction,
    before: Roster | None,
    after: Roster,
    event: RosterEvent,
    channels_max: int,
) -> _Change:
    change = event.body.change
    coming = change.members if isinstance(change, Create | Add) else ()
    added = {}
    for member in coming:
        added.update(_live_cards(transaction, member))  # 6
    for number in added.values():
        if transaction.count_channels(number) >= channels_max:  # 7
            raise RefusalError(Refusal.TOO_MANY_CHANNELS, "a card is in too many channels")
    gone = (m for who, m in before.members.items() if who not in after.members) if before else ()
    posts = _posts(before, after) if before else {}
    return _Change(after, added, _numbers(transaction, gone), posts)


def _posts(before: Roster, after: Roster) -> dict[bool, list[str]]:
    """Return the members who may post from now on, and those who may no more."""
    moved: dict[bool, list[str]] = {True: [], False: []}
    for who, member in after.members.items():
        stayed = before.members.get(who)
        if stayed is not None and after.may_post(member) is not before.may_post(stayed):
            moved[after.may_post(member)].append(who)
    return moved


def _live_cards(transaction: Transaction, member: Member) -> dict[bytes, int]:
    """Return the numbers of a new member's cards: the listed ones, and those that descend from them."""
    numbers = {}
    for card in member.cards:
        found = transaction.standing(card)
        if found is None or not _counts(found, member.identity):
            raise RefusalError(
                Refusal.BAD_CHANGE, f"a card listed for {member.identity} is not a live card of it"
            )
        numbers[card] = found.number
    return numbers | _further_cards(transaction, member)


def _further_cards(transaction: Transaction, member: Member) -> dict[bytes, int]:
    known = transaction.cards_of(member.identity)
    if len(known) == 1:
        return {}
    history = histories.load(transaction, member.identity)
    kin = history.descendants(member.cards) if history else frozenset()
    live = {card.id for card in history.live} if history else set()
    return {card: number for card, number in known if card in kin and card in live}


def _counts(card: Standing, identity: str) -> bool:
    return card.state is CardState.LIVE and card.identity == identity


def _numbers(transaction: Transaction, members: Iterable[Member]) -> dict[bytes, int]:
    """Return the numbers of all cards of members that go, listed or not, live or not."""
    return {card: number for m in members for card, number in transaction.cards_of(m.identity)}


def _require_few_joinings(transaction: Transaction, channel: Channel, card: int) -> None:
    """Refuse to add a card again that came and went too often: all its times there are read with what it does there."""
    if len(transaction.intervals(channel.number, card)) >= JOININGS_MAX:
        raise RefusalError(Refusal.TOO_MANY_MEMBERS, "a card was added to the channel too often")


def _size(event: RosterEvent) -> int:
    return len(encode(event.signed)) + ROWS_BYTES


def _stored(
    transaction: Transaction,
    channel: Channel,
    asked: _Asked,
    change: _Change,
) -> Outcome:
    event = asked.event
    item = Item(channel.last + 1, ItemKind.ROSTER_EVENT, asked.now_ms, encode(event.signed))
    transaction.append(channel, item, None)
    transaction.use(channel.number, asked.author.identity, len(item.body) + ROWS_BYTES)
    transaction.add_event(event.id, channel.number, event.body.position, item.position)
    _store_memberships(transaction, channel, change, item.position)
    news = Appended(channel.id, item, tuple(change.added), tuple(change.removed))
    return Outcome(channel.id, item.position, news)


def _store_memberships(
    transaction: Transaction, channel: Channel, change: _Change, position: int
) -> None:
    roster = change.roster
    for card, number in change.added.items():
        known = transaction.standing(card)
        member = roster.members.get(known.identity) if known else None
        posts = member is not None and roster.may_post(member)
        transaction.begin_membership(channel.number, number, position, posts=posts)
    for number in change.removed.values():
        transaction.end_membership(channel.number, number, position)
    for posts, identities in change.posts.items():
        if identities:
            transaction.set_posts(channel.number, identities, posts=posts)
