"""Histories: every check refused by its own test, and which cards count after each entry."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from peerpost_protocol import limits
from peerpost_protocol.card import issue_card
from peerpost_protocol.errors import HistoryError, MalformedError, SignatureError
from peerpost_protocol.history import (
    NOTHING,
    Began,
    CardState,
    Counted,
    History,
    HistoryEntry,
    Stated,
    entry_id,
    open_history,
)
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.signing import HISTORY_ENTRY_TYPE, Signed, SigningKey, identifier
from peerpost_protocol.statement import Endorse, Reason, Revoke, Succeed, sign_statement
from tests.support.identities import (
    RELAY,
    after,
    begun,
    body,
    device,
    endorsed,
    revoked,
    ruled,
    stated,
    succeeded,
    successor,
)
from tests.support.people import NOW_MS, Person, device_keys, digest, person

ALICE, MALLORY = person("alice"), person("mallory")
PHONE, TABLET = device("alice", "phone", ALICE), device("alice", "tablet", ALICE)
NEXT = successor(ALICE)
BEGUN = begun(ALICE)
LINKED = endorsed(BEGUN, ALICE, PHONE)
LOST = Revoke(Reason.LOST)


def kind_of(history: History | None, entry: HistoryEntry) -> str:
    """Return why the entry is refused; every kind is a refusal of the wire."""
    with pytest.raises(HistoryError) as refused:
        after(history, entry)
    return Refusal(refused.value.kind)


def states(history: History, *people: Person) -> list[CardState]:
    return [history.state(who.card.id) for who in people]


# --- what counts


def test_an_identity_begins_with_one_live_card() -> None:
    assert (BEGUN.identity, BEGUN.length, BEGUN.live) == (ALICE.identity, 1, (ALICE.card,))
    assert states(BEGUN, ALICE, PHONE) == [CardState.LIVE, CardState.UNENDORSED]


def test_a_second_card_counts_once_a_live_one_endorsed_it() -> None:
    assert LINKED.live == (ALICE.card, PHONE.card)
    assert LINKED.cards[PHONE.card.id].endorsers == (ALICE.card.id,)


def test_any_card_that_counts_may_endorse_the_next_and_vouch_again() -> None:
    history = endorsed(LINKED, PHONE, TABLET)
    history = endorsed(history, ALICE, TABLET)
    assert history.cards[TABLET.card.id].endorsers == (PHONE.card.id, ALICE.card.id)


def test_a_card_is_revoked_by_itself_or_by_another_and_the_others_stay() -> None:
    for author, subject, other in ((PHONE, PHONE, ALICE), (PHONE, ALICE, PHONE)):
        history = revoked(LINKED, author, subject)
        assert states(history, subject, other) == [CardState.REVOKED, CardState.LIVE]
        revocation = history.cards[subject.card.id].revocation
        assert revocation is not None
        assert (revocation.author, revocation.operator) == (author.card.id, False)


def test_the_operators_revocation_is_marked_as_his() -> None:
    history = after(LINKED, ruled(LINKED, PHONE, LOST))
    revocation = history.cards[PHONE.card.id].revocation
    assert revocation is not None
    assert (revocation.author, revocation.operator) == (RELAY.public, True)


def test_a_successor_takes_the_place_of_its_predecessor() -> None:
    history = succeeded(LINKED, ALICE, NEXT)
    assert states(history, ALICE, NEXT) == [CardState.REPLACED, CardState.LIVE]
    assert history.cards[ALICE.card.id].successor == NEXT.card.id
    assert history.cards[NEXT.card.id].predecessor == ALICE.card.id


def test_an_identity_without_a_live_card_begins_anew_with_a_stranger() -> None:
    ended = revoked(BEGUN, ALICE, ALICE)
    again = person("alice", device="another")
    history = after(ended, Began(again.card.signed))
    assert history.live == (again.card,)
    assert history.descendants([ALICE.card.id]) == {ALICE.card.id}


# --- descent


def test_descent_follows_endorsements_and_successions() -> None:
    history = succeeded(endorsed(LINKED, PHONE, TABLET), ALICE, NEXT)
    everyone = {who.card.id for who in (ALICE, PHONE, TABLET, NEXT)}
    assert history.descendants([ALICE.card.id]) == everyone
    assert history.descendants([PHONE.card.id]) == {PHONE.card.id, TABLET.card.id}
    assert history.descendants([MALLORY.card.id]) == frozenset()


def test_a_card_that_a_false_beginning_endorsed_does_not_descend_from_the_genuine_one() -> None:
    false = person("alice", device="of the relay")
    history = endorsed(endorsed(begun(false), false, ALICE), false, PHONE)
    assert PHONE.card.id in {card.id for card in history.live}
    assert history.descendants([ALICE.card.id]) == {ALICE.card.id}


def test_a_later_endorser_vouches_for_an_earlier_card() -> None:
    history = endorsed(endorsed(LINKED, ALICE, TABLET), TABLET, PHONE)
    assert PHONE.card.id in history.descendants([TABLET.card.id])


# --- position, id, head


def test_an_entrys_id_is_over_its_kind_place_and_subject() -> None:
    bytes_ = b"\x00" + bytes(8) + bytes(32) + ALICE.card.id
    assert BEGUN.head == identifier(HISTORY_ENTRY_TYPE, bytes_)
    entry = stated(BEGUN, ALICE, PHONE, Endorse())
    later = entry_id(entry, 1, BEGUN.head, digest("statement"))
    bytes_ = b"\x01" + (1).to_bytes(8, "big") + BEGUN.head + digest("statement")
    assert later == identifier(HISTORY_ENTRY_TYPE, bytes_)


def test_the_same_entries_read_in_pieces_are_the_same_history() -> None:
    first: list[HistoryEntry] = [Began(ALICE.card.signed), stated(BEGUN, ALICE, PHONE, Endorse())]
    second: list[HistoryEntry] = [stated(LINKED, PHONE, ALICE, LOST)]
    whole = open_history([*first, *second], RELAY.public)
    assert whole == open_history(second, RELAY.public, open_history(first, RELAY.public))
    assert open_history([], RELAY.public) is None


# --- what is refused, by the number of its check


def test_1_an_entry_whose_signature_does_not_fit_is_refused() -> None:
    forged = sign_statement(
        MALLORY.keys.signing, body(BEGUN, ALICE.card.id, PHONE.card.id, Endorse())
    )
    with pytest.raises(SignatureError):
        after(BEGUN, Stated(forged, PHONE.card.signed))
    with pytest.raises(SignatureError):
        after(BEGUN, Began(Signed(ALICE.card.signed.payload, bytes(64))))
    with pytest.raises(SignatureError):
        after(BEGUN, ruled(BEGUN, ALICE, LOST, SigningKey(bytes(32))))
    with pytest.raises(MalformedError):
        after(BEGUN, Stated(Signed(b"\xc0", bytes(64)), None))


def test_2_another_identitys_card_or_statement_is_refused() -> None:
    foreign = stated(BEGUN, ALICE, PHONE, Endorse(), identity="bob@example.org")
    assert kind_of(BEGUN, foreign) == "bad_statement"
    assert kind_of(BEGUN, stated(BEGUN, ALICE, MALLORY, Endorse())) == "bad_statement"
    swapped = Stated(stated(BEGUN, ALICE, PHONE, Endorse()).statement, TABLET.card.signed)
    assert kind_of(BEGUN, swapped) == "bad_statement"
    ended = revoked(BEGUN, ALICE, ALICE)
    assert kind_of(ended, Began(MALLORY.card.signed)) == "bad_statement"


def test_3_a_statement_for_another_place_is_refused() -> None:
    entry = stated(BEGUN, ALICE, PHONE, Endorse())
    assert kind_of(LINKED, entry) == "history_conflict"
    for parts in ({"position": 2}, {"previous": digest("other")}):
        wrong = stated(BEGUN, ALICE, PHONE, Endorse(), **parts)
        assert kind_of(BEGUN, wrong) == "history_conflict"


def test_4_a_history_begins_once_and_with_a_card_that_names_no_other() -> None:
    other = person("alice", device="another")
    assert kind_of(BEGUN, Began(other.card.signed)) == "identity_taken"
    assert kind_of(None, Began(PHONE.card.signed)) == "bad_statement"
    assert kind_of(None, Began(NEXT.card.signed)) == "bad_statement"
    assert kind_of(None, ruled(BEGUN, ALICE, LOST)) == "history_conflict"
    ended = revoked(BEGUN, ALICE, ALICE)
    assert kind_of(ended, Began(ALICE.card.signed)) == "card_revoked"


def test_5_an_author_that_does_not_count_or_has_ended_is_refused() -> None:
    assert kind_of(BEGUN, stated(BEGUN, PHONE, TABLET, Endorse())) == "not_endorsed"
    assert kind_of(None, stated(BEGUN, ALICE, PHONE, Endorse())) == "not_endorsed"
    ended = revoked(LINKED, ALICE, PHONE)
    assert kind_of(ended, stated(ended, PHONE, TABLET, Endorse())) == "card_revoked"
    replaced = succeeded(LINKED, ALICE, NEXT)
    assert kind_of(replaced, stated(replaced, ALICE, TABLET, Endorse())) == "card_revoked"


def test_5_an_operator_only_revokes() -> None:
    assert kind_of(BEGUN, ruled(BEGUN, PHONE, Endorse())) == "bad_statement"
    assert kind_of(BEGUN, ruled(BEGUN, NEXT, Succeed())) == "bad_statement"


@pytest.mark.parametrize("claim", [Endorse(), Succeed()])
def test_6_a_card_that_is_to_count_must_come_with_the_statement(claim: Endorse | Succeed) -> None:
    entry = stated(BEGUN, ALICE, NEXT, claim)
    assert kind_of(BEGUN, Stated(entry.statement, None)) == "bad_statement"


def test_6_nobody_vouches_twice_for_itself_or_for_a_card_that_ended() -> None:
    assert kind_of(LINKED, stated(LINKED, ALICE, PHONE, Endorse())) == "bad_statement"
    assert kind_of(LINKED, stated(LINKED, ALICE, ALICE, Endorse())) == "bad_statement"
    ended = revoked(LINKED, ALICE, PHONE)
    assert kind_of(ended, stated(ended, ALICE, PHONE, Endorse())) == "bad_statement"


def test_6_a_card_that_was_barred_before_it_counted_never_counts() -> None:
    history = revoked(BEGUN, ALICE, PHONE)
    assert states(history, PHONE) == [CardState.REVOKED]
    assert kind_of(history, stated(history, ALICE, PHONE, Endorse())) == "bad_statement"
    assert kind_of(history, stated(history, ALICE, PHONE, LOST)) == "bad_statement"


def test_6_a_successor_needs_both_signatures() -> None:
    assert kind_of(LINKED, stated(LINKED, PHONE, NEXT, Endorse())) == "bad_statement"
    assert kind_of(LINKED, stated(LINKED, PHONE, NEXT, Succeed())) == "bad_statement"
    assert kind_of(LINKED, stated(LINKED, ALICE, TABLET, Succeed())) == "bad_statement"


def test_6_a_card_ends_once() -> None:
    ended = revoked(LINKED, ALICE, PHONE)
    assert kind_of(ended, stated(ended, ALICE, PHONE, LOST)) == "bad_statement"
    replaced = succeeded(LINKED, ALICE, NEXT)
    assert kind_of(replaced, stated(replaced, PHONE, ALICE, LOST)) == "bad_statement"


def test_7_so_many_cards_are_live_and_no_more() -> None:
    history = BEGUN
    for number in range(1, limits.MAX_CARDS_PER_MEMBER):
        history = endorsed(history, ALICE, device("alice", f"device {number}", ALICE))
    assert kind_of(history, stated(history, ALICE, PHONE, Endorse())) == "too_many_cards"
    assert succeeded(history, ALICE, NEXT).live[-1] == NEXT.card


def test_7_the_last_places_are_left_to_revocations(monkeypatch: pytest.MonkeyPatch) -> None:
    room = LINKED.length + limits.MAX_CARDS_PER_MEMBER
    monkeypatch.setattr(limits, "MAX_HISTORY_ENTRIES", room)
    assert kind_of(LINKED, stated(LINKED, ALICE, TABLET, Endorse())) == "too_many_cards"
    assert kind_of(LINKED, stated(LINKED, ALICE, TABLET, LOST)) == "too_many_cards"
    assert states(revoked(LINKED, ALICE, PHONE), PHONE) == [CardState.REVOKED]


def test_a_card_named_as_its_own_predecessor_cannot_be_made_to_follow_a_stranger() -> None:
    keys = device_keys("alice of mallory")
    card = issue_card(keys, ALICE.identity, "x", NOW_MS, predecessor=MALLORY.card.id)
    theirs = Person(keys, card)
    assert kind_of(LINKED, stated(LINKED, ALICE, theirs, Succeed())) == "bad_statement"


def _vouched(edges: list[tuple[int, int, bool]]) -> History:
    """Return a history of cards that vouch for each other as told: by whom, for whom, as a successor."""
    cards = {bytes([number]): Counted(ALICE.card, number) for number in range(8)}
    for by, whom, succeeds in edges:
        known = cards[bytes([whom])]
        more = (
            replace(known, predecessor=bytes([by]))
            if succeeds
            else replace(known, endorsers=(*known.endorsers, bytes([by])))
        )
        cards[bytes([whom])] = more
    return History(ALICE.identity, len(cards), NOTHING, cards, {})


NUMBERS = st.integers(0, 7)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.booleans()), max_size=20), st.sets(NUMBERS))
def test_descendants_are_those_that_any_number_of_steps_leads_to(
    edges: list[tuple[int, int, bool]], anchors: set[int]
) -> None:
    history = _vouched(edges)
    known = {bytes([anchor]) for anchor in anchors}
    for _ in history.cards:
        known |= {
            id_
            for id_, counted in history.cards.items()
            if known.intersection((*counted.endorsers, counted.predecessor))
        }
    assert history.descendants([bytes([anchor]) for anchor in anchors]) == known
