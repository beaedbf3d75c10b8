"""An admin of a large channel changes its roster as often as the rates allow, and has the relay's writer busy with it.

Who may post changes for everybody with a few bytes, so it is one statement, for however many members. What names many
members takes time for each of them, so it costs the card's rate by its size.
"""

from pathlib import Path

from msgspec.structs import replace

from peerpost_protocol.roster.changes import Least, Policies, SetPolicies
from peerpost_relay.quotas import ROSTER_EVENT_WRITES, event_writes
from tests.support.relay_client import Person, RelayClient, refusal
from tests.support.relay_server import OPEN, running_relay
from tests.support.relay_store import relay_store

FEW, MANY = 3, 40


def people(count: int) -> list[Person]:
    return [Person(f"member{number}@example.org") for number in range(count)]


def statements_of_a_policy(members: int) -> int:
    """Count what the relay's database does when all of a channel's members lose the word."""
    with relay_store() as relay:
        owner, others = Person("owner@example.org"), people(members)
        relay.knows(owner, *others)
        roster, event = owner.create(others)
        assert relay.submit(event) == "accepted"
        done: list[str] = []
        relay.transaction._db.set_trace_callback(done.append)
        quiet = owner.event(roster, SetPolicies(Policies(post=Least.ADMIN)))
        assert relay.submit(quiet) == "accepted"
        relay.transaction._db.set_trace_callback(None)
        return len(done)


def test_a_policy_is_as_much_work_for_many_members_as_for_few() -> None:
    assert statements_of_a_policy(MANY) == statements_of_a_policy(FEW)


async def test_an_event_that_names_many_uses_up_the_rate_of_many_writes(tmp_path: Path) -> None:
    mallory, others = Person("mallory@example.org"), people(MANY)
    _, large = mallory.create(others)
    _, small = mallory.create([], name="small")
    cost = event_writes(len(large.signed.payload))
    assert cost > ROSTER_EVENT_WRITES + MANY // 2
    slow = replace(OPEN, writes_per_second=1, writes_burst=cost)
    async with (
        running_relay(tmp_path, slow) as relay,
        await RelayClient.register(relay.url, mallory) as client,
    ):
        assert refusal(await client.submit(large)) == "bad_change"  # nobody knows the others
        assert refusal(await client.submit(small)) == "too_many_requests"
