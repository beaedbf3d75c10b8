"""The table of consent: who is taken, who has to ask, and who is declined."""

import itertools

import pytest

from peerpost_daemon.consent import Consent, Invitation, Verdict, verdict

STRANGER = Invitation(
    blocked=False, known=False, written_to=False, unasked=True, requests=True, returning=False
)


def after(consent: Consent, **facts: bool) -> Verdict:
    given = {name: getattr(STRANGER, name) for name in STRANGER.__struct_fields__}
    return verdict(consent, Invitation(**{**given, **facts}))


@pytest.mark.parametrize(
    ("consent", "stranger", "contact"),
    [
        (Consent.CONTACTS, Verdict.REQUEST, Verdict.TAKEN),
        (Consent.ANYONE, Verdict.TAKEN, Verdict.TAKEN),
        (Consent.NOBODY, Verdict.REQUEST, Verdict.REQUEST),
    ],
)
def test_the_policy_says_who_is_taken(
    consent: Consent, stranger: Verdict, contact: Verdict
) -> None:
    assert (after(consent), after(consent, known=True)) == (stranger, contact)


@pytest.mark.parametrize("consent", Consent)
def test_whom_we_wrote_to_is_taken_and_who_is_blocked_never(consent: Consent) -> None:
    assert after(consent, written_to=True, unasked=False, requests=False) is Verdict.TAKEN
    assert after(consent, known=True, written_to=True, blocked=True) is Verdict.DECLINED


@pytest.mark.parametrize("consent", Consent)
def test_who_left_or_has_too_many_unasked_is_asked(consent: Consent) -> None:
    assert after(consent, known=True, returning=True) is Verdict.REQUEST
    assert after(consent, known=True, unasked=False) is Verdict.REQUEST


def test_nothing_waits_over_the_bound() -> None:
    for consent, known, returning in itertools.product(Consent, [True, False], [True, False]):
        facts = {"known": known, "returning": returning, "unasked": False, "requests": False}
        assert after(consent, **facts) is Verdict.DECLINED
