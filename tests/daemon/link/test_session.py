"""The session machine, step by step and by its whole table."""

import dataclasses
import itertools

import pytest
from msgspec import Struct
from msgspec.structs import replace

from peerpost_daemon.link.actions import Action, Answered, Ended, Ending, News, Send
from peerpost_daemon.link.errors import LinkBusyError, RelayFaultError, UnexpectedStepError
from peerpost_daemon.link.session import MAX_PENDING_REQUESTS, Session
from peerpost_daemon.link.transitions import TRANSITIONS, State, Step
from peerpost_protocol.frames import (
    Accepted,
    Attestation,
    Authenticate,
    Cards,
    Closing,
    ConfirmProof,
    PublishCard,
    RelayFrame,
    StartProof,
    Subscribed,
    Welcome,
    decode_client_frame,
    encode_frame,
)
from peerpost_protocol.refusals import Refusal
from tests.daemon.link.observing import TOKEN, credentials, delivery, envelope
from tests.support.scripted_relay import EPOCH, RELAY_TIME_MS, ScriptedRelay, refused

NONCE = b"n" * 32
WHO = credentials(token=TOKEN)


def hear(session: Session, frame: RelayFrame) -> list[Action]:
    return session.receive(encode_frame(frame), at=0.0, now_ms=RELAY_TIME_MS - 250)


def sent(action: Action) -> Struct:
    assert isinstance(action, Send)
    return decode_client_frame(action.data)


def challenged() -> Session:
    session = Session(WHO, NONCE, "test")
    session.begin(0.0)
    hear(session, ScriptedRelay().challenge(NONCE))
    return session


def online() -> Session:
    session = challenged()
    hear(session, Welcome(WHO.card.id, Attestation.VERIFIED, EPOCH))
    session.subscribe((), 0.0)
    hear(session, Subscribed(1, ()))
    return session


@pytest.mark.parametrize(("state", "step"), list(itertools.product(State, Step)))
def test_a_step_that_is_not_in_the_table_raises_the_one_error(state: State, step: Step) -> None:
    session = Session(WHO, NONCE, "test")
    session.state = state
    if (state, step) in TRANSITIONS:
        session._step(step)
        assert session.state is TRANSITIONS[state, step]
    else:
        with pytest.raises(UnexpectedStepError, match=f"{step.value} .* {state.value}"):
            session._step(step)


def test_every_state_but_the_last_can_end() -> None:
    assert {s for s, step in TRANSITIONS if step is Step.END} == set(State) - {State.CLOSED}


def test_a_known_card_comes_online() -> None:
    session = online()
    assert session.state is State.ONLINE
    assert session.clock_skew_ms == 250


def test_an_unknown_card_is_published_with_its_token_and_proved_again() -> None:
    session = challenged()
    [publish] = hear(session, refused(0, Refusal.UNKNOWN_CARD))
    assert sent(publish) == PublishCard(1, WHO.card.signed, TOKEN)
    [proof] = hear(session, Accepted(1, WHO.card.id, 0))
    assert isinstance(sent(proof), Authenticate)
    assert session.state is State.AUTHENTICATING


def test_a_card_is_published_once_a_session() -> None:
    session = challenged()
    hear(session, refused(0, Refusal.UNKNOWN_CARD))
    hear(session, Accepted(1, WHO.card.id, 0))
    [ended] = hear(session, refused(0, Refusal.UNKNOWN_CARD))
    assert isinstance(ended, Ended)
    assert not ended.ending.terminal


@pytest.mark.parametrize("kind", ["token_refused", "token_required", "identity_taken"])
def test_a_refused_card_ends_for_good(kind: str) -> None:
    session = challenged()
    hear(session, refused(0, Refusal.UNKNOWN_CARD))
    [ended] = hear(session, refused(1, kind))
    assert ended == Ended(Ending(kind, "no", terminal=True, come_back=False))


def test_a_card_that_needs_a_proof_has_a_code_mailed_and_ends() -> None:
    session = challenged()
    hear(session, refused(0, Refusal.UNKNOWN_CARD))
    [start] = hear(session, refused(1, Refusal.PROOF_REQUIRED))
    assert sent(start) == StartProof(2, WHO.card.signed)
    [ended] = hear(session, Accepted(2, WHO.card.id, 0))
    assert ended == Ended(Ending("proof_required", "no", terminal=True, come_back=False))


def test_a_code_goes_with_the_card() -> None:
    session = Session(dataclasses.replace(WHO, code="2345-6789"), NONCE, "test")
    session.begin(0.0)
    hear(session, ScriptedRelay().challenge(NONCE))
    [proof] = hear(session, refused(0, Refusal.UNKNOWN_CARD))
    assert sent(proof) == ConfirmProof(1, WHO.card.signed, "2345-6789")
    [ended] = hear(session, refused(1, Refusal.CODE_REFUSED))
    assert isinstance(ended, Ended)
    assert ended.ending.terminal


def test_a_revoked_card_ends_for_good() -> None:
    [ended] = hear(challenged(), refused(0, Refusal.CARD_REVOKED))
    assert isinstance(ended, Ended)
    assert ended.ending.terminal


def test_a_closing_says_when_to_come_back() -> None:
    [ended] = hear(online(), Closing("shutting_down", "soon", come_back=True, retry_after_ms=700))
    assert ended == Ended(Ending("shutting_down", "soon", retry_after_ms=700))


def test_answers_find_their_tickets_in_any_order() -> None:
    session = online()
    for ticket in "ab":
        session.request(envelope(1), ticket, 0.0)
    answers = [hear(session, Accepted(n, bytes(32), n)) for n in (3, 2)]
    expected = [("b", Accepted(3, bytes(32), 3)), ("a", Accepted(2, bytes(32), 2))]
    assert answers == [[Answered(ticket, answer)] for ticket, answer in expected]


def test_a_refusal_of_a_request_leaves_the_session_alone() -> None:
    session = online()
    session.request(envelope(1), "a", 0.0)
    assert hear(session, refused(2, "stale_roster")) == [Answered("a", refused(2, "stale_roster"))]
    assert session.state is State.ONLINE


@pytest.mark.parametrize("frame", [Accepted(9, bytes(32), 0), Cards(2, ()), refused(9, "idle")])
def test_an_answer_to_nothing_that_was_asked_is_a_fault(frame: RelayFrame) -> None:
    session = online()
    session.request(envelope(1), "a", 0.0)
    with pytest.raises(UnexpectedStepError):
        hear(session, frame)


def test_requests_in_flight_are_bounded() -> None:
    session = online()
    for _ in range(MAX_PENDING_REQUESTS):
        session.request(envelope(1), "a", 0.0)
    with pytest.raises(LinkBusyError):
        session.request(envelope(1), "a", 0.0)
    assert len(session.end()) == MAX_PENDING_REQUESTS


def test_the_longest_wait_is_the_oldest_request_s() -> None:
    session = online()
    session.request(envelope(1), "a", 5.0)
    session.request(envelope(1), "b", 9.0)
    assert session.oldest_wait(15.0) == 10.0
    hear(session, Accepted(2, bytes(32), 1))
    assert session.oldest_wait(15.0) == 6.0


def test_request_numbers_wrap_around_zero_and_numbers_in_flight() -> None:
    session = online()
    session.request(envelope(1), "a", 0.0)
    session._last_request = 2**32 - 2
    sends = [session.request(envelope(1), "b", 0.0) for _ in range(3)]
    assert [sent(send) for send in sends] == [
        replace(envelope(1), request=number) for number in (2**32 - 1, 1, 3)
    ]


def test_news_carry_the_size_of_their_frame() -> None:
    data = encode_frame(delivery(1))
    assert online().receive(data, at=0.0, now_ms=0) == [News(delivery(1), len(data))]


def test_news_before_the_subscription_is_a_fault() -> None:
    with pytest.raises(UnexpectedStepError):
        hear(challenged(), delivery(1))


def test_a_second_subscription_is_ours_to_avoid() -> None:
    with pytest.raises(UnexpectedStepError):
        online().subscribe((), 0.0)


def test_a_welcome_of_another_card_is_a_fault() -> None:
    with pytest.raises(RelayFaultError, match="another card"):
        hear(challenged(), Welcome(bytes(32), Attestation.VERIFIED, EPOCH))
