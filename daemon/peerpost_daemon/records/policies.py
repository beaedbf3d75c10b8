"""Policies: what a contact, a channel, and everything else has been told to believe."""

from peerpost_daemon import trust as rules
from peerpost_daemon.trust import Policy
from peerpost_daemon.vault.connection import SqlConnection


def in_force(db: SqlConnection, identity: str, channel: bytes | None) -> Policy:
    """Return the policy for an identity, in a channel if one is named."""
    contact, place, default = db.execute(
        "SELECT (SELECT policy FROM contact WHERE identity = ?), "
        "(SELECT policy FROM channel WHERE id = ?), (SELECT policy FROM policy_default)",
        (identity, channel),
    ).fetchone()
    return rules.strictest(
        Policy(contact) if contact else None,
        Policy(place) if place else None,
        Policy(default) if default else Policy.TOFU,
    )


def of_channel(db: SqlConnection, channel: bytes) -> Policy | None:
    """Return the policy of a channel, None where the default holds."""
    return _policy(db.execute("SELECT policy FROM channel WHERE id = ?", (channel,)).fetchone())


def default(db: SqlConnection) -> Policy:
    """Return the policy where neither contact nor channel has one."""
    return _policy(db.execute("SELECT policy FROM policy_default").fetchone()) or Policy.TOFU


def set_default(db: SqlConnection, policy: Policy) -> None:
    """Store the policy of the settings."""
    db.execute("INSERT OR REPLACE INTO policy_default VALUES (1, ?)", (policy.value,))


def set_contact(db: SqlConnection, identity: str, policy: Policy | None, now_ms: int) -> None:
    """Store a contact's policy; the contact need not have been met."""
    db.execute(
        "INSERT INTO contact (identity, state, first_seen_ms, policy) VALUES (?, 'unknown', ?, ?) "
        "ON CONFLICT (identity) DO UPDATE SET policy = excluded.policy",
        (identity, now_ms, policy.value if policy else None),
    )


def set_channel(db: SqlConnection, channel: bytes, policy: Policy | None) -> None:
    """Store a channel's policy."""
    value = policy.value if policy else None
    db.execute("UPDATE channel SET policy = ? WHERE id = ?", (value, channel))


def _policy(row: tuple[str | None] | None) -> Policy | None:
    return Policy(row[0]) if row is not None and row[0] is not None else None
