"""Consents: who may add this account unasked, as the settings say and as somebody here has said since."""

from peerpost_daemon.consent import Consent, Consents
from peerpost_daemon.vault.connection import SqlConnection


def in_force(db: SqlConnection) -> Consents:
    """Return what counts now."""
    row = db.execute(
        "SELECT coalesce(direct, default_direct), coalesce(groups, default_groups) FROM consent"
    ).fetchone()
    return Consents(Consent(row[0]), Consent(row[1])) if row else Consents()


def set_default(db: SqlConnection, consents: Consents) -> None:
    """Store what the settings say."""
    db.execute(
        "INSERT INTO consent (one, default_direct, default_groups) VALUES (1, ?1, ?2) "
        "ON CONFLICT DO UPDATE SET default_direct = ?1, default_groups = ?2",
        (consents.direct.value, consents.groups.value),
    )


def choose(db: SqlConnection, direct: Consent | None, groups: Consent | None) -> None:
    """Store what somebody here has said; None leaves it as it is."""
    if db.execute("SELECT 1 FROM consent").fetchone() is None:
        set_default(db, Consents())
    db.execute(
        "UPDATE consent SET direct = coalesce(?, direct), groups = coalesce(?, groups)",
        (direct, groups),
    )
