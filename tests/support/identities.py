"""Histories of identities, made by their own cards: tests write what each device states, in order."""

from msgspec.structs import replace

from peerpost_protocol.card import issue_card
from peerpost_protocol.history import (
    Began,
    History,
    HistoryEntry,
    Ruled,
    Stated,
    apply_entry,
    verify_entry,
)
from peerpost_protocol.signing import SigningKey
from peerpost_protocol.statement import (
    Claim,
    Endorse,
    Reason,
    Revoke,
    StatementBody,
    Succeed,
    sign_operator_statement,
    sign_statement,
)
from tests.support.people import NOW_MS, Person, device_keys, person, relay_key

RELAY = relay_key()


def device(name: str, device_name: str, endorser: Person) -> Person:
    """Return another device of `name`, whose card asks `endorser` to vouch for it."""
    keys = device_keys(f"{name} {device_name}")
    identity = f"{name}@example.org"
    return Person(keys, issue_card(keys, identity, device_name, NOW_MS, endorser=endorser.card.id))


def successor(of: Person, name: str = "new", *, predecessor: Person | None = None) -> Person:
    """Return a card that names `predecessor` (none given: `of`) as the one it replaces."""
    keys = device_keys(f"{of.identity} {name}")
    named = (predecessor or of).card.id
    return Person(keys, issue_card(keys, of.identity, "laptop", NOW_MS, predecessor=named))


def body(
    history: History, author: bytes, subject: bytes, claim: Claim, **parts: object
) -> StatementBody:
    """Return what an honest author writes for the next place, or `parts` of it otherwise."""
    honest = StatementBody(
        author, subject, history.identity, NOW_MS, history.length, history.head, claim
    )
    return replace(honest, **parts)


def begun(who: Person | None = None) -> History:
    """Return the history that begins with a card."""
    return after(None, Began((who or person("alice")).card.signed))


def stated(
    history: History, author: Person, subject: Person, claim: Claim, **parts: object
) -> Stated:
    """Return the entry of a statement, with the subject's card when it is to count."""
    says = body(history, author.card.id, subject.card.id, claim, **parts)
    comes = not isinstance(claim, Revoke) and subject.card.id not in history.cards
    card = subject.card.signed if comes else None
    return Stated(sign_statement(author.keys.signing, says), card)


def ruled(
    history: History, subject: Person, claim: Claim, key: SigningKey = RELAY, **parts: object
) -> Ruled:
    """Return the entry of an operator's statement."""
    says = body(history, key.public, subject.card.id, claim, **parts)
    return Ruled(sign_operator_statement(key, says))


def after(history: History | None, entry: HistoryEntry) -> History:
    """Return the history after an entry; raise what its checks raise."""
    return apply_entry(history, verify_entry(history, entry, RELAY.public))


def endorsed(history: History, author: Person, subject: Person) -> History:
    """Return the history after an endorsement."""
    return after(history, stated(history, author, subject, Endorse()))


def revoked(history: History, author: Person, subject: Person) -> History:
    """Return the history after a revocation."""
    return after(history, stated(history, author, subject, Revoke(Reason.LOST)))


def succeeded(history: History, author: Person, subject: Person) -> History:
    """Return the history after a succession."""
    return after(history, stated(history, author, subject, Succeed()))
