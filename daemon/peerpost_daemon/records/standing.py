"""Standing: how far contacts are trusted, asked often and therefore without reading their cards."""

from peerpost_daemon.records.contacts import ContactState
from peerpost_daemon.vault.connection import SqlConnection


def contact_state(db: SqlConnection, identity: str) -> ContactState | None:
    """Return where a contact stands, None when nobody knows it."""
    row = db.execute("SELECT state FROM contact WHERE identity = ?", (identity,)).fetchone()
    return ContactState(row[0]) if row else None


def pinned_cards(db: SqlConnection) -> dict[bytes, str]:
    """Return the identity of every card that may be sealed to."""
    rows = db.execute(
        "SELECT card.id, identity FROM card JOIN contact USING (identity) "
        "WHERE trust = 'pinned' AND state != 'blocked'"
    )
    return dict(rows.fetchall())


def identities_of(db: SqlConnection, cards: tuple[bytes, ...]) -> dict[bytes, str]:
    """Return the identity of every card of these that is known."""
    marks = ", ".join("?" * len(cards))
    rows = db.execute(
        f"SELECT id, identity FROM card WHERE id IN ({marks})",  # noqa: S608  marks alone
        cards,
    )
    return dict(rows.fetchall())


def channel_count(db: SqlConnection) -> int:
    """Return how many channels there are."""
    return int(db.execute("SELECT count(*) FROM channel").fetchone()[0])
