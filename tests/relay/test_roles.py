"""What roles and policies mean at the relay: who posts, how long it is kept, who comes back."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from peerpost_protocol.roster import (
    Add,
    Ban,
    Change,
    Least,
    Policies,
    Role,
    Roster,
    SetPolicies,
    SetRole,
    Unban,
    apply_event,
)
from tests.support.relay_client import Person
from tests.support.relay_store import NOW, RelayStore, relay_store


class Team:
    """Be a channel of owner, mate and guest at a relay."""

    def __init__(self, store: RelayStore) -> None:
        self.store = store
        self.owner, self.mate, self.guest = (
            Person(f"{name}@example.org") for name in ("owner", "mate", "guest")
        )
        store.knows(self.owner, self.mate, self.guest)
        self.roster, create = self.owner.create([self.mate, self.guest])
        assert store.submit(create) == "accepted"

    def change(self, change: Change) -> None:
        event = self.owner.event(self.roster, change)
        assert self.store.submit(event) == "accepted"
        self.roster = apply_event(self.roster, event)

    def says(self, who: Person, roster: Roster | None = None) -> str:
        chain = dict(who.chains)
        said = self.store.publish(who.envelope(roster or self.roster), who)
        if said != "accepted":
            who.chains = chain
        return said


@pytest.fixture
def team() -> Iterator[Team]:
    with relay_store() as store:
        yield Team(store)


def test_a_reader_may_not_post_until_it_is_a_member_again(team: Team) -> None:
    assert team.says(team.mate) == "accepted"
    team.change(SetRole(team.mate.card.identity, Role.READER))
    assert (team.says(team.mate), team.says(team.guest)) == ("may_not_post", "accepted")
    team.change(SetRole(team.mate.card.identity, Role.MEMBER))
    assert team.says(team.mate) == "accepted"


def test_who_is_added_as_a_reader_may_not_post(team: Team) -> None:
    lurker = Person("lurker@example.org")
    team.store.knows(lurker)
    event = team.owner.event(team.roster, _add(lurker, Role.READER))
    assert team.store.submit(event) == "accepted"
    team.roster = apply_event(team.roster, event)
    assert team.says(lurker) == "may_not_post"


def test_the_policy_takes_the_word_from_members_and_gives_it_back(team: Team) -> None:
    team.change(SetPolicies(Policies(post=Least.ADMIN)))
    assert (team.says(team.mate), team.says(team.owner)) == ("may_not_post", "accepted")
    team.change(SetPolicies(Policies()))
    assert team.says(team.mate) == "accepted"


def test_the_policy_shortens_what_an_envelope_says_and_never_lengthens_it(team: Team) -> None:
    team.change(SetPolicies(Policies(expire_ms=5_000)))
    assert team.says(team.mate) == "accepted"
    assert team.store.expiries()[-1] == NOW + 5_000
    place = team.mate.place(team.roster, expires_at_ms=NOW + 2_000)
    shorter = team.mate.envelope(team.roster, place=place)
    assert team.store.publish(shorter, team.mate) == "accepted"
    assert team.store.expiries()[-1] == NOW + 2_000


def test_one_who_is_banned_neither_posts_nor_comes_back_until_the_ban_is_lifted(
    team: Team,
) -> None:
    mate = team.mate.card.identity
    team.change(Ban((mate,)))
    assert team.says(team.mate) == "not_a_member"
    # Nobody honest signs this event: it is made for a roster without the ban.
    blind = _without_bans(team.roster)
    assert team.store.submit(team.owner.event(blind, _add(team.mate))) == "banned"
    team.change(Unban((mate,)))
    team.change(_add(team.mate))
    assert team.says(team.mate) == "accepted"


def _add(who: Person, role: Role = Role.MEMBER) -> Change:
    return Add((who.member(role),))


def _without_bans(roster: Roster) -> Roster:
    return replace(roster, bans=())
