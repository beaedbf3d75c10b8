"""Random histories of a channel, against an oracle that only knows a dictionary of roles and a set of bans."""

from hypothesis import given, settings
from hypothesis import strategies as st

from peerpost_protocol.errors import RosterError
from peerpost_protocol.roster import Add, Ban, Change, Leave, Member, Remove, Role, SetRole, Unban
from tests.support.people import changed, channel_of, person

PEOPLE = [person(name) for name in ("alice", "bob", "carol", "dave", "erin")]
Roles = dict[int, Role]
State = tuple[Roles, frozenset[int]]
Turn = tuple[int, str, list[int], Role]

turns = st.tuples(
    st.integers(0, len(PEOPLE) - 1),
    st.sampled_from(["add", "remove", "leave", "role", "ban", "unban"]),
    st.lists(st.integers(0, len(PEOPLE) - 1), min_size=1, max_size=3),
    st.sampled_from(Role),
)


def expected(state: State, author: int, verb: str, whom: list[int], role: Role) -> State | None:
    """Return roles and bans afterwards, None when the change must be refused."""
    roles, bans = state
    if author not in roles:
        return None
    if verb == "leave":
        return {who: had for who, had in roles.items() if who != author}, bans
    if roles[author] not in {Role.OWNER, Role.ADMIN}:
        return None
    if verb == "role":
        return with_role(roles, author, whom[0], role, bans)
    return None if len(set(whom)) != len(whom) else moved(state, author, verb, whom, role)


def moved(state: State, author: int, verb: str, whom: list[int], role: Role) -> State | None:
    """Return roles and bans after some have come or gone."""
    roles, bans = state
    if verb == "add":
        fits = role is not Role.OWNER and not set(whom) & (set(roles) | bans)
        return (roles | dict.fromkeys(whom, role), bans) if fits else None
    if verb == "unban":
        return (roles, bans - set(whom)) if set(whom) <= bans else None
    if any(roles.get(who) is Role.OWNER for who in whom) and roles[author] is not Role.OWNER:
        return None
    left = {who: had for who, had in roles.items() if who not in whom}
    if verb == "ban":
        return None if set(whom) & (bans | {author}) else (left, bans | set(whom))
    return (left, bans) if set(whom) <= set(roles) else None


def with_role(
    roles: Roles, author: int, who: int, role: Role, bans: frozenset[int]
) -> State | None:
    if who not in roles or roles[who] in {role, Role.OWNER}:
        return None
    if role is Role.OWNER:
        if roles[author] is not Role.OWNER:
            return None
        return roles | {author: Role.ADMIN, who: role}, bans
    return roles | {who: role}, bans


def change_of(verb: str, whom: list[int], role: Role) -> Change:
    identities = tuple(PEOPLE[who].identity for who in whom)
    match verb:
        case "leave":
            return Leave()
        case "remove":
            return Remove(identities)
        case "role":
            return SetRole(identities[0], role)
        case "ban":
            return Ban(identities)
        case "unban":
            return Unban(identities)
        case _:
            return Add(tuple(Member(PEOPLE[n].identity, role, (PEOPLE[n].card.id,)) for n in whom))


@settings(max_examples=100, deadline=None)
@given(st.lists(turns, max_size=16))
def test_a_history_ends_where_the_oracle_says(history: list[Turn]) -> None:
    channel = channel_of(PEOPLE[0], PEOPLE[1])
    state: State = ({0: Role.OWNER, 1: Role.MEMBER}, frozenset())
    for author, verb, whom, role in history:
        after = expected(state, author, verb, whom, role)
        try:
            channel = changed(channel, PEOPLE[author], change_of(verb, whom, role))
            accepted = True
        except RosterError:
            accepted = False
        assert accepted == (after is not None), (state, author, verb, whom, role)
        state = state if after is None else after
    roles, bans = state
    members = {PEOPLE[who].identity: role for who, role in roles.items()}
    assert {who: m.role for who, m in channel.roster.members.items()} == members
    assert set(channel.roster.bans) == {PEOPLE[who].identity for who in bans}
    assert channel.roster.position == len(channel.events) - 1
    assert sum(role is Role.OWNER for role in roles.values()) <= 1
