"""Refusals: every machine-readable reason for which a relay says no, and whether coming back can help.

docs/protocol/refusals.md lists the same table; a test compares them.
"""

from enum import StrEnum


class Refusal(StrEnum):
    """Name why a request was refused or a session closed."""

    MALFORMED = "malformed"
    UNEXPECTED_FRAME = "unexpected_frame"
    UNSUPPORTED_VERSION = "unsupported_version"
    NOT_AUTHENTICATED = "not_authenticated"
    AUTHENTICATION_FAILED = "authentication_failed"
    UNKNOWN_CARD = "unknown_card"
    CARD_REVOKED = "card_revoked"
    TOKEN_REQUIRED = "token_required"  # noqa: S105  a reason, not a secret
    TOKEN_REFUSED = "token_refused"  # noqa: S105  a reason, not a secret
    IDENTITY_TAKEN = "identity_taken"
    PROOF_REQUIRED = "proof_required"
    CODE_REFUSED = "code_refused"
    NOT_ENDORSED = "not_endorsed"
    HISTORY_CONFLICT = "history_conflict"
    BAD_STATEMENT = "bad_statement"
    TOO_MANY_CARDS = "too_many_cards"
    NOT_OFFERED = "not_offered"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_CHANNEL = "unknown_channel"
    NOT_A_MEMBER = "not_a_member"
    NOT_AN_ADMIN = "not_an_admin"
    MAY_NOT_POST = "may_not_post"
    BANNED = "banned"
    STALE_ROSTER = "stale_roster"
    ROSTER_CONFLICT = "roster_conflict"
    BAD_CHANGE = "bad_change"
    TOO_MANY_MEMBERS = "too_many_members"
    DIRECT_EXISTS = "direct_exists"
    OUT_OF_SEQUENCE = "out_of_sequence"
    MESSAGE_ID_REUSED = "message_id_reused"
    EXPIRED = "expired"
    UNKNOWN_BLOB = "unknown_blob"
    WRONG_OFFSET = "wrong_offset"
    WRONG_BLOB = "wrong_blob"
    TOO_MANY_UPLOADS = "too_many_uploads"
    TOO_LARGE = "too_large"
    TOO_MANY_REQUESTS = "too_many_requests"
    TOO_MANY_CHANNELS = "too_many_channels"
    QUOTA_EXCEEDED = "quota_exceeded"
    NO_BACKUP = "no_backup"
    STALE_BACKUP = "stale_backup"
    NOT_PROVEN = "not_proven"
    CARD_TAKEN_OVER = "card_taken_over"
    STORAGE_FULL = "storage_full"
    STORAGE_FAILED = "storage_failed"
    SHUTTING_DOWN = "shutting_down"
    IDLE = "idle"


COME_BACK = frozenset(
    {
        Refusal.TOO_MANY_REQUESTS,
        Refusal.TOO_MANY_UPLOADS,
        Refusal.QUOTA_EXCEEDED,
        Refusal.STORAGE_FULL,
        Refusal.STORAGE_FAILED,
        Refusal.SHUTTING_DOWN,
        Refusal.IDLE,
    }
)
"""Reasons that pass by themselves: the same request may succeed later, unchanged."""

MEANING: dict[Refusal, str] = {
    Refusal.MALFORMED: "the frame or a statement in it is outside its format; the field is named",
    Refusal.UNEXPECTED_FRAME: "this frame has no place in this state of the session",
    Refusal.UNSUPPORTED_VERSION: "the relay does not speak the version of this client",
    Refusal.NOT_AUTHENTICATED: "the request needs an authenticated session",
    Refusal.AUTHENTICATION_FAILED: "the answer to the challenge is not the card's",
    Refusal.UNKNOWN_CARD: "the relay has no card with this id; publish it first",
    Refusal.CARD_REVOKED: "the card has been revoked",
    Refusal.TOKEN_REQUIRED: "this relay takes cards with a token only",
    Refusal.TOKEN_REFUSED: "the token is unknown, expired, used up, revoked or for another identity",
    Refusal.IDENTITY_TAKEN: "the identity has a card, the subject; make one that names it as endorser",
    Refusal.PROOF_REQUIRED: "this relay takes cards with a token, or after a proof by e-mail: start_proof",
    Refusal.CODE_REFUSED: "the code is wrong, expired, used, tried too often or for another card",
    Refusal.NOT_ENDORSED: "the card does not count: no counting card of its identity has endorsed it",
    Refusal.HISTORY_CONFLICT: "the statement does not continue the identity's history; read it and sign again",
    Refusal.BAD_STATEMENT: "the claim means nothing in this history",
    Refusal.TOO_MANY_CARDS: "the identity would have too many cards, or too long a history",
    Refusal.NOT_OFFERED: "the operator of this relay does not offer this",
    Refusal.BAD_SIGNATURE: "a signature, hash or identifier does not fit",
    Refusal.UNKNOWN_CHANNEL: "there is no such channel for this card",
    Refusal.NOT_A_MEMBER: "the card speaks for no member of the channel",
    Refusal.NOT_AN_ADMIN: "the member's role does not allow the change",
    Refusal.MAY_NOT_POST: "the member's role, or the channel's policy, does not allow posting",
    Refusal.BANNED: "the identity is banned from the channel",
    Refusal.STALE_ROSTER: "the envelope was sealed under an older roster; read the roster and seal again",
    Refusal.ROSTER_CONFLICT: "the event does not continue the roster; read it and try again",
    Refusal.BAD_CHANGE: "the change means nothing in this roster",
    Refusal.TOO_MANY_MEMBERS: "the channel would be over its bounds",
    Refusal.DIRECT_EXISTS: "these two members have a direct channel; its id is the subject",
    Refusal.OUT_OF_SEQUENCE: "sequence or previous envelope does not continue the sender's chain",
    Refusal.MESSAGE_ID_REUSED: "another envelope has this message id",
    Refusal.EXPIRED: "the envelope or blob has expired already",
    Refusal.UNKNOWN_BLOB: "the channel has no such blob, or has it no more",
    Refusal.WRONG_OFFSET: "the bytes do not continue the upload; begin it again to learn where it stands",
    Refusal.WRONG_BLOB: "the uploaded bytes are not those that the blob's id names; they were dropped",
    Refusal.TOO_MANY_UPLOADS: "the card has as many unfinished uploads as it may",
    Refusal.TOO_LARGE: "something is over its bound",
    Refusal.TOO_MANY_REQUESTS: "a rate or a queue is at its limit; come back after `retry_after_ms`",
    Refusal.TOO_MANY_CHANNELS: "the card is in as many channels as it may be",
    Refusal.QUOTA_EXCEEDED: "the channel or the identity stores as much as it may; the field names which",
    Refusal.NO_BACKUP: "the relay keeps no backup of this identity, or not this version",
    Refusal.STALE_BACKUP: "the relay keeps, or kept, this version or a newer one",
    Refusal.NOT_PROVEN: "the identity of the card has to be proven first; the detail says how",
    Refusal.CARD_TAKEN_OVER: "the card was restored elsewhere; its earlier holder is done",
    Refusal.STORAGE_FULL: "the relay's disk is full; nothing was stored",
    Refusal.STORAGE_FAILED: "the relay's store failed; nothing was stored",
    Refusal.SHUTTING_DOWN: "the relay is going down for a moment",
    Refusal.IDLE: "the session was not authenticated in time, or nothing came for too long",
}
