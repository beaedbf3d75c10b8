"""The session's table: what is in it, and that everything else is refused."""

import os
from typing import get_args

import pytest

from peerpost_protocol import frames as f
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.signing import Signed
from peerpost_relay.errors import RefusalError
from peerpost_relay.session import TRANSITIONS, Action, Proven, Session, State
from tests.support.relay_client import Person

SIGNED = Signed(b"x", b"s" * 64)
ID = b"i" * 32
FRAMES: dict[type[f.ClientFrame], f.ClientFrame] = {
    f.Hello: f.Hello(1, b"n" * 32, "test"),
    f.Authenticate: f.Authenticate(ID, b"s" * 64),
    f.PublishCard: f.PublishCard(1, SIGNED, None),
    f.SearchCards: f.SearchCards(1, ("a@b.c",)),
    f.FetchCards: f.FetchCards(1, (ID,)),
    f.SearchDomain: f.SearchDomain(1, "b.c", None),
    f.ReadWaitingCards: f.ReadWaitingCards(1),
    f.SubmitStatement: f.SubmitStatement(1, SIGNED),
    f.ReadHistory: f.ReadHistory(1, "a@b.c", 0),
    f.StartProof: f.StartProof(1, SIGNED),
    f.ConfirmProof: f.ConfirmProof(1, SIGNED, "code"),
    f.SubmitRosterEvent: f.SubmitRosterEvent(1, SIGNED),
    f.ReadRoster: f.ReadRoster(1, ID, 0),
    f.Publish: f.Publish(1, b"x"),
    f.ReadStream: f.ReadStream(1, ID, 0, 1),
    f.Subscribe: f.Subscribe(1, (), everything=True),
    f.PostReceipt: f.PostReceipt(1, SIGNED),
    f.ResumeChain: f.ResumeChain(1, ID, 1, ID),
    f.BeginUpload: f.BeginUpload(1, ID, ID, 1, None),
    f.UploadChunk: f.UploadChunk(1, ID, ID, 0, b"x"),
    f.ReadBlob: f.ReadBlob(1, ID, ID, 0, 1),
    f.RemoveBlob: f.RemoveBlob(1, ID, ID),
    f.PutBackup: f.PutBackup(1, 1, b"h", b"l", 1),
    f.PutBackupPart: f.PutBackupPart(1, 1, 0, b"x"),
    f.PutBackupLock: f.PutBackupLock(1, 1, b"l"),
    f.ShowBackup: f.ShowBackup(1, 0),
    f.FetchBackup: f.FetchBackup(1),
    f.ReadBackupPart: f.ReadBackupPart(1, 1, 0),
    f.DestroyBackup: f.DestroyBackup(1, SIGNED),
    f.HoldCard: f.HoldCard(1, 1, bytes(16)),
}
ABSENT = [(s, k) for s in State for k in get_args(f.ClientFrame) if k not in TRANSITIONS[s]]
PRESENT = [(s, kind, *step) for s in State for kind, step in TRANSITIONS[s].items()]


def in_state(state: State) -> Session:
    session = Session(failed_tries_max=3)
    session.state = state
    return session


def test_the_table_knows_every_state_and_the_frames_here_are_all_there_are() -> None:
    assert set(TRANSITIONS) == set(State)
    assert set(FRAMES) == set(get_args(f.ClientFrame))


@pytest.mark.parametrize(("state", "kind"), ABSENT)
def test_an_absent_step_is_refused_and_changes_nothing(
    state: State, kind: type[f.ClientFrame]
) -> None:
    session = in_state(state)
    with pytest.raises(RefusalError) as caught:
        session.receive(FRAMES[kind])
    assert caught.value.kind in {Refusal.UNEXPECTED_FRAME, Refusal.NOT_AUTHENTICATED}
    assert session.state is state


@pytest.mark.parametrize(("state", "kind", "then", "action"), PRESENT)
def test_a_step_of_the_table_is_taken(
    state: State, kind: type[f.ClientFrame], then: State, action: Action
) -> None:
    session = in_state(state)
    assert session.receive(FRAMES[kind]) is action
    assert session.state is then


def test_a_request_before_authentication_is_told_what_it_lacks() -> None:
    with pytest.raises(RefusalError) as caught:
        in_state(State.CHALLENGED).receive(FRAMES[f.ReadStream])
    assert caught.value.kind is Refusal.NOT_AUTHENTICATED


def test_another_version_is_refused() -> None:
    session = in_state(State.AWAITING_HELLO)
    with pytest.raises(RefusalError) as caught:
        session.receive(f.Hello(2, os.urandom(32), "later"))
    assert caught.value.kind is Refusal.UNSUPPORTED_VERSION
    assert session.state is State.AWAITING_HELLO


def test_after_a_wrong_answer_the_same_challenge_may_be_answered_again() -> None:
    session = in_state(State.CHALLENGED)
    session.receive(FRAMES[f.Authenticate])
    session.disproven()
    assert session.receive(FRAMES[f.Authenticate]) is Action.PROVE


def test_the_third_failed_try_is_the_last() -> None:
    session = in_state(State.CHALLENGED)
    assert [session.failed() for _ in range(3)] == [False, False, True]


def test_a_proven_session_speaks_for_its_card() -> None:
    session = in_state(State.PROVING)
    with pytest.raises(RefusalError):
        session.require_proof()
    proof = Proven(Person("a@b.c").card, 1, f.Attestation.UNVERIFIED)
    session.proven(proof)
    assert session.require_proof() is proof
    assert session.state is State.AUTHENTICATED
