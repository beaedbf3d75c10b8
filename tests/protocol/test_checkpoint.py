"""Checkpoints: the same knowledge has the same root, and less is seen to be less."""

from peerpost_protocol.checkpoint import Knowledge, checkpoint_of, compare
from peerpost_protocol.signing import CHECKPOINT_TYPE, identifier
from tests.support.identities import begun, device, endorsed, revoked
from tests.support.people import person

ALICE, BOB = person("alice"), person("bob")
PHONE = device("alice", "phone", ALICE)
BEGUN, OF_BOB = begun(ALICE), begun(BOB)
LINKED = endorsed(BEGUN, ALICE, PHONE)
MEMBERS = (ALICE.identity, BOB.identity)


def test_a_root_is_over_the_sorted_rows_of_all_members() -> None:
    made = checkpoint_of(reversed(MEMBERS), {ALICE.identity: LINKED})
    rows = b"".join(
        len(name).to_bytes(2, "big") + name + length.to_bytes(8, "big") + head
        for name, length, head in (
            (b"alice@example.org", 2, LINKED.head),
            (b"bob@example.org", 0, bytes(32)),
        )
    )
    assert (made.size, made.root) == (2, identifier(CHECKPOINT_TYPE, rows))


def test_what_others_know_beside_the_members_does_not_count() -> None:
    both = {ALICE.identity: LINKED, BOB.identity: OF_BOB}
    assert checkpoint_of([ALICE.identity], both) == checkpoint_of(
        [ALICE.identity], {ALICE.identity: LINKED}
    )


def test_who_knows_less_more_or_other_things_sees_it() -> None:
    less = checkpoint_of(MEMBERS, {ALICE.identity: BEGUN})
    more = checkpoint_of(MEMBERS, {ALICE.identity: LINKED})
    other = checkpoint_of(MEMBERS, {ALICE.identity: BEGUN, BOB.identity: OF_BOB})
    assert compare(less, more) is Knowledge.LESS
    assert compare(more, less) is Knowledge.MORE
    assert compare(more, more) is Knowledge.SAME
    assert compare(more, other) is Knowledge.OTHER


def test_two_ends_of_one_length_are_told_apart() -> None:
    one = revoked(LINKED, ALICE, PHONE)
    two = revoked(LINKED, PHONE, ALICE)
    ends = [checkpoint_of(MEMBERS, {ALICE.identity: history}) for history in (one, two)]
    assert compare(*ends) is Knowledge.OTHER
