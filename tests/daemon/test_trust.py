"""Trust: contacts move along one table, and each policy admits less than the one before."""

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.trust import (
    TRANSITIONS,
    ContactState,
    Policy,
    Step,
    Trust,
    admits,
    after,
    strictest,
)

STATES = list(ContactState)


def test_no_card_makes_a_changed_contact_trusted() -> None:
    by_itself = (Step.MEET, Step.ENDORSE, Step.OFFER, Step.VERIFY)
    ways = [TRANSITIONS.get((ContactState.CHANGED, step)) for step in by_itself]
    assert set(ways) == {None, ContactState.CHANGED}


def test_a_blocked_contact_stays_blocked_until_it_is_unblocked() -> None:
    ways = {step: TRANSITIONS.get((ContactState.BLOCKED, step)) for step in Step}
    assert {step for step, there in ways.items() if there not in (None, ContactState.BLOCKED)} == {
        Step.UNBLOCK
    }


def test_only_a_person_or_a_list_verifies() -> None:
    ways = {key for key, there in TRANSITIONS.items() if there is ContactState.VERIFIED}
    assert {step for state, step in ways if state is not ContactState.VERIFIED} == {Step.VERIFY}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", Step)
def test_a_step_is_in_the_table_or_one_error_names_it(state: ContactState, step: Step) -> None:
    if (state, step) in TRANSITIONS:
        assert after(state, step) is TRANSITIONS[state, step]
        return
    with pytest.raises(DaemonError) as caught:
        after(state, step)
    assert caught.value.kind == "wrong_contact_state"
    assert caught.value.extra == {"state": state.value, "step": step.value}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("trust", Trust)
def test_a_stricter_policy_admits_nothing_that_tofu_does_not(
    state: ContactState, trust: Trust
) -> None:
    first, *others = (admits(policy, state, trust) for policy in Policy)
    assert first or not any(others)


def test_what_each_policy_admits() -> None:
    pinned, verified = ContactState.PINNED, ContactState.VERIFIED
    assert admits(Policy.TOFU, pinned, Trust.ENDORSED)
    assert not admits(Policy.PIN, pinned, Trust.ENDORSED)
    assert not admits(Policy.VERIFIED_ONLY, pinned, Trust.PINNED)
    assert admits(Policy.VERIFIED_ONLY, verified, Trust.ENDORSED)
    assert not any(admits(p, verified, t) for p in Policy for t in (Trust.OFFERED, Trust.REVOKED))


def test_the_stricter_of_contact_and_channel_is_in_force() -> None:
    assert strictest(None, None, Policy.PIN) is Policy.PIN
    assert strictest(Policy.TOFU, None, Policy.PIN) is Policy.TOFU
    assert strictest(Policy.TOFU, Policy.VERIFIED_ONLY, Policy.PIN) is Policy.VERIFIED_ONLY
