"""Consent: what becomes of a channel that somebody else has added this account to.

    the inviter                                     contacts    anyone      nobody
    is blocked                                      declined    declined    declined
    is somebody we wrote to (direct only)           taken       taken       taken
    is known here, by a card that counts            taken       taken       a request
    is anybody else                                 a request   taken       a request
    has added us to MAX_UNASKED_OF_ONE unasked, or all have to MAX_UNASKED: a request at best
    has as many requests waiting as it may (records/requests.py): declined
    and of a channel that this account has left itself, whoever adds it: a request at best

Attacker: whoever has a card at the relay, who can found channels and add anybody. Pure: no vault, no clock.
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct

MAX_UNASKED_OF_ONE: Final = 64
"""Channels that one identity may add this account to without asking."""
MAX_UNASKED: Final = 1_024
"""Channels that all together may; a card is in 4,096 at most."""


class Consent(StrEnum):
    """Say who may add this account to a channel without asking."""

    CONTACTS = "contacts"
    ANYONE = "anyone"
    NOBODY = "nobody"


class Consents(Struct, frozen=True):
    """Say it for direct conversations and for the other channels."""

    direct: Consent = Consent.ANYONE
    groups: Consent = Consent.ANYONE


class Verdict(StrEnum):
    """Say what becomes of a channel."""

    TAKEN = "taken"
    REQUEST = "request"
    DECLINED = "declined"


class Invitation(Struct, frozen=True):
    """Be what is known of an invitation. `unasked`: there is room for one more that nobody is asked about."""

    blocked: bool
    known: bool
    written_to: bool
    unasked: bool
    requests: bool  # there is room for one more request
    returning: bool  # this account has left the channel itself


def verdict(consent: Consent, invitation: Invitation) -> Verdict:
    """Judge an invitation by the table."""
    if invitation.blocked:
        return Verdict.DECLINED
    if invitation.written_to:
        return Verdict.TAKEN
    admitted = consent is Consent.ANYONE or (consent is Consent.CONTACTS and invitation.known)
    if admitted and invitation.unasked and not invitation.returning:
        return Verdict.TAKEN
    return Verdict.REQUEST if invitation.requests else Verdict.DECLINED
