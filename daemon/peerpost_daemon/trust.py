"""How far an identity is trusted: every state, every step between two, and what each policy admits.

    unknown ──meet──▶ pinned ──verify──▶ verified
                        │ ▲                 │
                  offer │ │ accept    offer │
                        ▼ │                 │
                      changed ◀─────────────┘      block: from everywhere;  unblock: back to unknown

Attacker: the relay, which shows a card of its own making for somebody; and whoever has taken that identity's mailbox.
A contact moves only along this table, so that no path leads from `changed` to `verified` but over a person's
`contact.accept`, and none out of `blocked` but `contact.unblock`. Pure: no vault, no clock.
"""

from enum import StrEnum
from typing import Final

from peerpost_daemon.errors import DaemonError


class ContactState(StrEnum):
    """Say where a contact stands."""

    UNKNOWN = "unknown"  # never met: it has an alias, a policy or a listed fingerprint
    PINNED = "pinned"
    VERIFIED = "verified"
    CHANGED = "changed"
    BLOCKED = "blocked"


class Trust(StrEnum):
    """Say how a card of a contact is taken."""

    PINNED = "pinned"  # seen first, accepted, or verified
    ENDORSED = "endorsed"  # a card that counted vouched for it
    OFFERED = "offered"  # nobody known vouched for it
    ENDED = "ended"  # replaced or retired: what it signed is shown, and nothing is sealed to it
    REVOKED = "revoked"  # lost or worse: nothing more by it is shown


class Policy(StrEnum):
    """Say which cards are believed. Each admits less than the one before."""

    TOFU = "tofu"  # the first cards seen, and those they endorse
    PIN = "pin"  # only cards seen first or accepted by somebody here
    VERIFIED_ONLY = "verified-only"  # nothing before the contact is verified


class Step(StrEnum):
    """Say what happens to a contact."""

    MEET = "meet"  # its first cards were seen
    ENDORSE = "endorse"  # a card that counts vouched for another
    OFFER = "offer"  # it showed a card that nobody known vouches for
    ACCEPT = "accept"  # somebody here trusts what it offers
    VERIFY = "verify"  # safety numbers were compared, or a listed fingerprint was found
    BLOCK = "block"
    UNBLOCK = "unblock"  # forget the judgement: what is known of it is met again


_S = ContactState
TRANSITIONS: Final[dict[tuple[ContactState, Step], ContactState]] = {
    (_S.UNKNOWN, Step.MEET): _S.PINNED,
    (_S.UNKNOWN, Step.OFFER): _S.CHANGED,  # its first card is not the one somebody listed
    (_S.UNKNOWN, Step.BLOCK): _S.BLOCKED,
    (_S.PINNED, Step.ENDORSE): _S.PINNED,
    (_S.PINNED, Step.OFFER): _S.CHANGED,
    (_S.PINNED, Step.ACCEPT): _S.PINNED,
    (_S.PINNED, Step.VERIFY): _S.VERIFIED,
    (_S.PINNED, Step.BLOCK): _S.BLOCKED,
    (_S.VERIFIED, Step.ENDORSE): _S.VERIFIED,
    (_S.VERIFIED, Step.OFFER): _S.CHANGED,
    (_S.VERIFIED, Step.ACCEPT): _S.VERIFIED,
    (_S.VERIFIED, Step.VERIFY): _S.VERIFIED,
    (_S.VERIFIED, Step.BLOCK): _S.BLOCKED,
    (_S.CHANGED, Step.ENDORSE): _S.CHANGED,
    (_S.CHANGED, Step.OFFER): _S.CHANGED,
    (_S.CHANGED, Step.ACCEPT): _S.PINNED,
    (_S.CHANGED, Step.BLOCK): _S.BLOCKED,
    (_S.BLOCKED, Step.ENDORSE): _S.BLOCKED,
    (_S.BLOCKED, Step.OFFER): _S.BLOCKED,
    (_S.BLOCKED, Step.BLOCK): _S.BLOCKED,
    (_S.BLOCKED, Step.UNBLOCK): _S.UNKNOWN,
}
_REMEDY: Final = {
    _S.UNKNOWN: "it has not been met yet",
    _S.PINNED: "it is pinned",
    _S.VERIFIED: "it is verified",
    _S.CHANGED: "it offers cards that were not accepted",
    _S.BLOCKED: "it is blocked; unblock it first",
}
_COUNTING: Final = (Trust.PINNED, Trust.ENDORSED)
_STRICTNESS: Final = tuple(Policy)


def after(state: ContactState, step: Step) -> ContactState:
    """Return where a contact stands after a step. Raises DaemonError wrong_contact_state for one that is absent."""
    there = TRANSITIONS.get((state, step))
    if there is None:
        message = f"A contact that is {state} cannot be taken through {step}: {_REMEDY[state]}."
        extra = {"state": state.value, "step": step.value}
        raise DaemonError("wrong_contact_state", message, field="identity", extra=extra)
    return there


def counts(trust: Trust) -> bool:
    """Say whether a card stands for its identity as far as is known here."""
    return trust in _COUNTING


def shows(policy: Policy, state: ContactState, trust: Trust) -> bool:
    """Say whether what a card has signed may be shown: of one that ended, what it signed when it still counted."""
    return admits(policy, state, Trust.PINNED if trust is Trust.ENDED else trust)


def admits(policy: Policy, state: ContactState, trust: Trust) -> bool:
    """Say whether a card may be sealed to."""
    if state in (ContactState.BLOCKED, ContactState.UNKNOWN):
        return False
    match policy:
        case Policy.TOFU:
            return counts(trust)
        case Policy.PIN:
            return trust is Trust.PINNED
        case Policy.VERIFIED_ONLY:
            return state is ContactState.VERIFIED and counts(trust)


def strictest(contact: Policy | None, channel: Policy | None, default: Policy) -> Policy:
    """Return the policy in force: the stricter of contact's and channel's, the default where neither has one."""
    given = [policy for policy in (contact, channel) if policy is not None]
    return max(given, key=_STRICTNESS.index) if given else default
