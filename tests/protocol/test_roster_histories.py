"""Random histories of a channel, against an oracle that only knows a dictionary of roles."""

from hypothesis import given, settings
from hypothesis import strategies as st

from peerpost_protocol.errors import RosterError
from peerpost_protocol.roster import Add, Change, Leave, Member, Remove, Role
from tests.support.people import changed, channel_of, person

PEOPLE = [person(name) for name in ("alice", "bob", "carol", "dave", "erin")]
Roles = dict[int, Role]
Turn = tuple[int, str, list[int], Role]

turns = st.tuples(
    st.integers(0, len(PEOPLE) - 1),
    st.sampled_from(["add", "remove", "leave"]),
    st.lists(st.integers(0, len(PEOPLE) - 1), min_size=1, max_size=3),
    st.sampled_from(Role),
)


def expected(roles: Roles, author: int, verb: str, whom: list[int], role: Role) -> Roles | None:
    """Return the roles afterwards, None when the change must be refused."""
    if author not in roles:
        return None
    if verb == "leave":
        return {who: had for who, had in roles.items() if who != author}
    if roles[author] is Role.MEMBER or len(set(whom)) != len(whom):
        return None
    if verb == "add":
        fits = role is not Role.OWNER and not set(whom) & set(roles)
        return roles | dict.fromkeys(whom, role) if fits else None
    owner_goes = any(roles.get(who) is Role.OWNER for who in whom)
    if not set(whom) <= set(roles) or (owner_goes and roles[author] is not Role.OWNER):
        return None
    return {who: had for who, had in roles.items() if who not in whom}


def change_of(verb: str, whom: list[int], role: Role) -> Change:
    if verb == "leave":
        return Leave()
    if verb == "remove":
        return Remove(tuple(PEOPLE[who].identity for who in whom))
    return Add(tuple(Member(PEOPLE[n].identity, role, (PEOPLE[n].card.id,)) for n in whom))


@settings(max_examples=60, deadline=None)
@given(st.lists(turns, max_size=12))
def test_a_history_ends_where_the_oracle_says(history: list[Turn]) -> None:
    channel, roles = channel_of(PEOPLE[0], PEOPLE[1]), {0: Role.OWNER, 1: Role.MEMBER}
    for author, verb, whom, role in history:
        after = expected(roles, author, verb, whom, role)
        try:
            channel = changed(channel, PEOPLE[author], change_of(verb, whom, role))
            accepted = True
        except RosterError:
            accepted = False
        assert accepted == (after is not None), (roles, author, verb, whom, role)
        roles = roles if after is None else after
    members = {PEOPLE[who].identity: role for who, role in roles.items()}
    assert {who: m.role for who, m in channel.roster.members.items()} == members
    assert channel.roster.position == len(channel.events) - 1
