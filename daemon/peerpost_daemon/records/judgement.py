"""What somebody here decides about a contact: verified, blocked, named, listed.

Every function is one transaction's work and moves the contact by `trust.TRANSITIONS`; raises DaemonError
wrong_contact_state when that has no such step.
"""

from collections.abc import Iterable

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.fingerprints import Listed
from peerpost_daemon.records import contacts
from peerpost_daemon.trust import ContactState, Step, Trust
from peerpost_daemon.vault.connection import SqlConnection

MAX_LISTED = 100_000
"""Listed fingerprints that are kept."""
_HELD = "SELECT number FROM quarantine JOIN card ON card.id = quarantine.card WHERE identity = ?"


def verify(db: SqlConnection, identity: str, now_ms: int) -> None:
    """Note that the safety number of a contact was compared; its cards were seen by a person."""
    contacts.move(db, identity, Step.VERIFY, now_ms)
    db.execute(
        "UPDATE card SET trust = 'pinned' WHERE identity = ? AND trust = 'endorsed'", (identity,)
    )


def block(db: SqlConnection, identity: str, now_ms: int) -> None:
    """Seal nothing more to a contact, show nothing more of it, and drop what was held of it."""
    contacts.move(db, identity, Step.BLOCK, now_ms)
    db.execute(f"DELETE FROM quarantine WHERE number IN ({_HELD})", (identity,))  # noqa: S608  constant


def unblock(db: SqlConnection, identity: str, now_ms: int) -> None:
    """Meet a blocked contact again by what is known of it; that it was verified is forgotten."""
    contacts.move(db, identity, Step.UNBLOCK, now_ms)
    if contacts.has(db, identity, Trust.PINNED) or contacts.has(db, identity, Trust.ENDORSED):
        contacts.move(db, identity, Step.MEET, now_ms)
    if contacts.has(db, identity, Trust.OFFERED):
        contacts.move(db, identity, Step.OFFER, now_ms)


def name(db: SqlConnection, identity: str, alias: str | None, now_ms: int) -> None:
    """Give a contact another name here, or take it; it need not have been met. Raises DaemonError alias_taken."""
    taken = db.execute(
        "SELECT identity FROM contact WHERE alias = ? AND identity != ?", (alias, identity)
    ).fetchone()
    if taken is not None:
        message = f"{taken[0]} has that name already."
        raise DaemonError("alias_taken", message, field="alias", extra={"identity": taken[0]})
    db.execute(
        "INSERT INTO contact (identity, state, first_seen_ms, alias) VALUES (?, 'unknown', ?, ?) "
        "ON CONFLICT (identity) DO UPDATE SET alias = excluded.alias",
        (identity, now_ms, alias),
    )


def by_alias(db: SqlConnection, alias: str) -> str | None:
    """Return the identity that has a name here."""
    row = db.execute("SELECT identity FROM contact WHERE alias = ?", (alias,)).fetchone()
    return row[0] if row else None


def list_fingerprints(db: SqlConnection, listed: Iterable[Listed], now_ms: int) -> list[str]:
    """Keep listed fingerprints; verify the contacts whose cards all count by them. Return these identities.

    A pinned card that a list does not know is offered from now on. Raises DaemonError too_large.
    """
    rows = [(one.identity, one.fingerprint) for one in listed]
    db.executemany("INSERT OR IGNORE INTO listed_fingerprint VALUES (?, ?)", rows)
    if db.execute("SELECT count(*) FROM listed_fingerprint").fetchone()[0] > MAX_LISTED:
        raise DaemonError("too_large", f"More than {MAX_LISTED} fingerprints are listed.")
    identities = sorted({identity for identity, _ in rows})
    return [identity for identity in identities if _judge(db, identity, now_ms)]


def _judge(db: SqlConnection, identity: str, now_ms: int) -> bool:
    contact = contacts.find(db, identity)
    if contact is None or contact.state in (ContactState.BLOCKED, ContactState.UNKNOWN):
        return False
    for known in contact.cards:
        listed = contacts.is_listed(db, known.card)
        if listed and known.trust is Trust.OFFERED:
            contacts.set_trust(db, known.card.id, Trust.PINNED)
        elif not listed and known.trust is Trust.PINNED:
            contacts.set_trust(db, known.card.id, Trust.OFFERED)
    if contacts.has(db, identity, Trust.OFFERED):
        contacts.move(db, identity, Step.OFFER, now_ms)
        return False
    if contacts.state(db, identity) is ContactState.CHANGED:
        contacts.move(db, identity, Step.ACCEPT, now_ms)
    return contacts.move(db, identity, Step.VERIFY, now_ms) is ContactState.VERIFIED
