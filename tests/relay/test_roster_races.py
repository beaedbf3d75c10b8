"""Members change one roster at the same time, in every order: one wins, the other is told, and all end alike.

Each member has its own copy of the roster and learns of events when the schedule says so. Changes are signed on that
copy, so many come too late. The relay is its real rules on a real store.
"""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from peerpost_protocol.errors import RosterError
from peerpost_protocol.roster import (
    Add,
    Ban,
    Change,
    Least,
    Leave,
    Policies,
    Remove,
    Rename,
    Role,
    Roster,
    SetPolicies,
    SetRole,
    SetTopic,
    Unban,
    apply_event,
    parse_event,
    sign_event,
    verify_event,
)
from tests.support.relay_client import Person
from tests.support.relay_store import RelayStore, relay_store

PEOPLE = [Person(f"{name}@example.org") for name in ("alice", "bob", "carol", "dave")]
CARDS = {person.card.id: person.card for person in PEOPLE}
Turn = tuple[int, str, int, Role]
WHO = st.integers(0, len(PEOPLE) - 1)


@dataclass
class Copy:
    """Be a member with what it has read of the log."""

    person: Person
    roster: Roster

    def learn(self, store: RelayStore, events: int) -> None:
        """Read on, by at most so many events, and verify each."""
        channel = store.transaction.channel(self.roster.channel)
        assert channel is not None
        first = self.roster.position + 1
        for signed in store.transaction.roster_events(channel.number, first, channel.last, events):
            claim = parse_event(signed)
            event = verify_event(claim, CARDS[claim.body.author])
            self.roster = apply_event(self.roster, event)


def changes(whom: int, role: Role, text: str) -> dict[str, Change]:
    person = PEOPLE[whom]
    identity = person.card.identity
    return {
        "add": Add((person.member(Role.MEMBER),)),
        "remove": Remove((identity,)),
        "leave": Leave(),
        "role": SetRole(identity, role),
        "rename": Rename(text),
        "topic": SetTopic(text),
        "policy": SetPolicies(Policies(add=Least.MEMBER)),
        "ban": Ban((identity,)),
        "unban": Unban((identity,)),
    }


VERBS = list(changes(0, Role.MEMBER, "x"))
learning = st.tuples(WHO, st.just("learn"), st.integers(1, 3), st.just(Role.MEMBER))
acting = st.tuples(WHO, st.sampled_from(VERBS), WHO, st.sampled_from(Role))


def play(store: RelayStore, copies: list[Copy], turn: Turn, at_ms: int) -> None:
    """Let a member read on, or change something as it sees the roster."""
    who, verb, whom, role = turn
    copy = copies[who]
    if verb == "learn":
        copy.learn(store, whom)
        return
    channel = store.transaction.channel(copy.roster.channel)
    assert channel is not None
    before = channel.roster_position
    change, author = changes(whom, role, f"by {who}")[verb], copy.person
    try:
        event = sign_event(author.keys.signing, author.card, copy.roster, change, at_ms)
    except RosterError:
        return
    said = store.submit(event)
    after = store.transaction.channel(copy.roster.channel)
    assert after is not None
    if copy.roster.position < before:
        assert said in {"roster_conflict", "not_a_member", "unknown_channel"}
    assert after.roster_position == before + (said == "accepted")


@settings(max_examples=120, deadline=None)
@given(st.lists(st.one_of(acting, learning), max_size=24))
def test_all_members_end_with_the_relays_roster(schedule: list[Turn]) -> None:
    with relay_store() as store:
        store.knows(*PEOPLE)
        roster, create = PEOPLE[0].create(PEOPLE[1:3])
        assert store.submit(create) == "accepted"
        copies = [Copy(person, roster) for person in PEOPLE]
        for number, turn in enumerate(schedule):
            play(store, copies, turn, number)
        for copy in copies:
            copy.learn(store, 1_000)
        channel = store.transaction.channel(roster.channel)
        assert channel is not None
        kept = store.transaction.roster(channel.number)
        assert all(copy.roster == kept for copy in copies)
        _intervals_fit(store, kept)


def _intervals_fit(store: RelayStore, kept: Roster) -> None:
    """See that exactly the members may read on, and exactly those who may post do."""
    channel = store.transaction.channel(kept.channel)
    assert channel is not None
    for person in PEOPLE:
        standing = store.transaction.standing(person.card.id)
        assert standing is not None
        intervals = store.transaction.intervals(channel.number, standing.number)
        member = kept.members.get(person.card.identity)
        present = [interval for interval in intervals if interval.last is None]
        assert bool(present) == (member is not None)
        if member is not None:
            assert present[0].posts == kept.may_post(member)
