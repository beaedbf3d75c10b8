"""A group that remembers what it read leaves the same database as its operations one by one."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerpost_protocol.envelope import parse_envelope, verify_envelope
from peerpost_protocol.receipt import parse_receipt, verify_receipt
from peerpost_protocol.roster import Roster
from peerpost_relay import directory, membership, publishing, receipts, tokens
from peerpost_relay.errors import RefusalError
from peerpost_relay.replays import Replays
from peerpost_relay.sqlite_store.database import _commit
from peerpost_relay.sqlite_store.schema import migrate
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from tests.support.operating import revoking
from tests.support.relay_client import Person

NOW = 1_000
TOKEN = tokens.make_token(bytes(32))
OWNER, MATE, GUEST = (Person(f"{name}@example.org") for name in ("owner", "mate", "guest"))
TWIN = Person(GUEST.card.identity)  # whose identity is taken: refused after its token was used
ROSTER, CREATE = OWNER.create([MATE])

Operation = Callable[[SqliteTransaction], Any]


def card(person: Person, token: str | None = None) -> Operation:
    return lambda t: directory.publish_card(t, person.card, token, NOW, without=None)


def envelope(person: Person, roster: Roster, *, skip: bool = False) -> Operation:
    chain = person.chains.get(roster.channel)
    data = person.envelope(roster)
    if skip and chain is not None:
        data = person.envelope(roster)
        person.chains[roster.channel] = chain
    verified = verify_envelope(parse_envelope(data), person.card)
    return lambda t: publishing.publish(t, verified, data, NOW)


def receipt(person: Person, roster: Roster, position: int) -> Operation:
    verified = verify_receipt(parse_receipt(person.receipt(roster.channel, position)), person.card)
    return lambda t: receipts.post(t, verified)


def change(event: Any) -> Operation:
    return lambda t: membership.submit(t, event, NOW, 10)


def revocation(person: Person) -> Operation:
    return revoking(person.card, NOW)


def store(*first: Operation) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrate(db)
    db.execute("UPDATE store SET epoch = zeroblob(16)")
    transaction = SqliteTransaction(db)
    transaction.add_token(tokens.digest_of(TOKEN), "*", NOW, None, 5)
    for operation in (card(OWNER), card(MATE), card(GUEST), change(CREATE), *first):
        assert not isinstance(operation(transaction), RefusalError)
    return db


def said(results: Sequence[Any]) -> list[Any]:
    return [r.kind if isinstance(r, RefusalError) else r for r in results]


def same(operations: Sequence[Operation]) -> list[Any]:
    """Commit as one group and one by one; return what was answered, which must be the same."""
    together, alone = store(), store()
    try:
        one = said(_commit(together, operations, Replays()))
        assert one == [said(_commit(alone, [operation], Replays()))[0] for operation in operations]
        assert list(together.iterdump()) == list(alone.iterdump())
        return one
    finally:
        together.close()
        alone.close()


def story(steps: Sequence[int]) -> list[Operation]:
    """Return operations that follow from each other; some are refused."""
    for person in (OWNER, MATE, GUEST):
        person.chains.clear()
    roster, operations = ROSTER, []
    for number, step in enumerate(steps):
        who = (OWNER, MATE, GUEST)[number % 3]
        match step:
            case 0 | 1:
                operations.append(envelope(who, roster, skip=step == 1))
            case 2:
                operations.append(receipt(who, roster, number + 1))
            case 3:
                operations.append(card(TWIN, TOKEN))
            case 4:
                there = GUEST.card.identity in roster.members
                roster, event = (OWNER.remove if there else OWNER.add)(roster, GUEST)
                operations.append(change(event))
            case 5:
                operations.append(revocation(GUEST))
    return operations


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_a_group_is_the_same_as_its_operations_one_by_one(steps: list[int]) -> None:
    same(story(steps))


def test_what_is_refused_after_it_wrote_leaves_nothing_and_takes_nobody_with_it() -> None:
    answers = same(story([0, 3, 0]))
    assert answers[1] == "identity_taken"
    assert answers[0].position == 2


def test_a_card_that_is_revoked_within_the_group_publishes_no_more() -> None:
    MATE.chains.clear()
    operations = [envelope(MATE, ROSTER), revocation(MATE), envelope(MATE, ROSTER)]
    assert same(operations)[2] == "card_revoked"


def test_a_disk_that_fails_takes_the_whole_group() -> None:
    def broken(_: SqliteTransaction) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    db = store()
    MATE.chains.clear()
    before = list(db.iterdump())
    with pytest.raises(sqlite3.OperationalError):
        _commit(db, [envelope(MATE, ROSTER), broken], Replays())
    assert list(db.iterdump()) == before
    db.close()
