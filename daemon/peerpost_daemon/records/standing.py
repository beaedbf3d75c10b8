"""Standing: how far contacts are trusted, asked often and therefore without reading their cards."""

from peerpost_daemon.vault.connection import SqlConnection


def counting_cards(db: SqlConnection) -> dict[bytes, str]:
    """Return the identity of every card that stands for its contact, blocked ones excepted."""
    rows = db.execute(
        "SELECT card.id, identity FROM card JOIN contact USING (identity) "
        "WHERE trust IN ('pinned', 'endorsed') AND state != 'blocked'"
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


def succession(db: SqlConnection, card: bytes) -> set[bytes]:
    """Return the other cards of the identity of a card that has ended; nothing for one that has not."""
    rows = db.execute(
        "SELECT other.id FROM card JOIN card AS other USING (identity) WHERE card.id = ? "
        "AND card.trust IN ('ended', 'revoked') AND other.id != card.id",
        (card,),
    )
    return {row[0] for row in rows}


def channel_count(db: SqlConnection) -> int:
    """Return how many channels there are, without those that nobody here has accepted."""
    (count,) = db.execute(
        "SELECT count(*) FROM channel WHERE state NOT IN ('requested', 'declined')"
    ).fetchone()
    return int(count)
