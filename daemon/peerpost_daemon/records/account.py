"""The account: this daemon's identity, card and private keys, and the relay it belongs to."""

from msgspec import Struct

from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card, DeviceKeys, open_card
from peerpost_protocol.frames import decode_signed
from peerpost_protocol.wire import encode


class EarlierCard(Struct, frozen=True):
    """Be a card of ours that a successor has replaced, with the key for what was sealed for it."""

    card: Card
    encryption_private: bytes

    def __repr__(self) -> str:
        """Show the card alone."""
        return f"EarlierCard({self.card.id.hex()})"


class Account(Struct, frozen=True):
    """Be the account as it is stored; `keys` and `token` show themselves in no repr."""

    card: Card
    keys: DeviceKeys
    state: str
    reason: str | None
    relay: str | None
    relay_key: bytes | None
    epoch: bytes | None
    attestation: str | None
    created_at_ms: int
    has_token: bool
    earlier: tuple[EarlierCard, ...] = ()

    @property
    def identity(self) -> str:
        """Return the account's identity."""
        return self.card.identity


_COLUMNS = (
    "card, signing_seed, encryption_private, state, reason, relay, relay_key, epoch, attestation, "
    "created_at_ms, token IS NOT NULL"
)


def find(db: SqlConnection) -> Account | None:
    """Return the account, None when there is none yet."""
    row = db.execute(f"SELECT {_COLUMNS} FROM account").fetchone()  # noqa: S608  constant columns
    if row is None:
        return None
    card = open_card(decode_signed(row[0]))
    keys = DeviceKeys(row[1], row[2])
    return Account(
        card,
        keys,
        row[3],
        row[4],
        row[5],
        row[6],
        row[7],
        row[8],
        row[9],
        bool(row[10]),
        _earlier(db),
    )


def _earlier(db: SqlConnection) -> tuple[EarlierCard, ...]:
    rows = db.execute(
        "SELECT signed, encryption_private FROM own_card ORDER BY ended_at_ms DESC"
    ).fetchall()
    return tuple(EarlierCard(open_card(decode_signed(row[0])), row[1]) for row in rows)


def token(db: SqlConnection) -> str | None:
    """Return the token that waits for the relay to accept the card."""
    row = db.execute("SELECT token FROM account").fetchone()
    return row[0] if row else None


def create(db: SqlConnection, card: Card, seed: bytes, private: bytes) -> None:
    """Store a new account, pending until a relay has accepted its card."""
    body = card.body
    db.execute(
        "INSERT INTO account (one, identity, device, card, signing_seed, encryption_private, "
        "state, created_at_ms) VALUES (1, ?, ?, ?, ?, ?, 'pending', ?)",
        (body.identity, body.device, encode(card.signed), seed, private, body.created_at_ms),
    )


def aim(
    db: SqlConnection, relay: str | None, token: str | None, relay_key: bytes | None = None
) -> None:
    """Point the account at a relay, name its key and give it a token; null leaves what is there."""
    db.execute(
        "UPDATE account SET relay = coalesce(?, relay), token = coalesce(?, token), "
        "relay_key = coalesce(?, relay_key), "
        "state = CASE state WHEN 'refused' THEN 'pending' ELSE state END, reason = NULL",
        (relay, token, relay_key),
    )


def known_relay(db: SqlConnection, relay_key: bytes | None, epoch: bytes | None) -> None:
    """Note by which key, and with which store, a restored account knows its relay."""
    db.execute("UPDATE account SET relay_key = ?, epoch = ?", (relay_key, epoch))


def accepted(db: SqlConnection, relay_key: bytes, epoch: bytes, attestation: str) -> bytes | None:
    """Note that the relay knows the card; forget the token. Return the epoch known before."""
    row = db.execute("SELECT epoch FROM account").fetchone()
    db.execute(
        "UPDATE account SET state = 'registered', reason = NULL, token = NULL, linking = 0, "
        "relay_key = ?, epoch = ?, attestation = ?",
        (relay_key, epoch, attestation),
    )
    return row[0] if row else None


def attested(db: SqlConnection, attestation: str) -> None:
    """Note what stands behind the identity at the relay now."""
    db.execute("UPDATE account SET attestation = ?", (attestation,))


def refused(db: SqlConnection, reason: str, subject: bytes | None = None) -> None:
    """Note why the relay does not take the card, and the card for which it does not."""
    db.execute(
        "UPDATE account SET state = 'refused', reason = ?, refused_for = ?", (reason, subject)
    )


def refused_for(db: SqlConnection) -> bytes | None:
    """Return the card for which the relay refused ours."""
    row = db.execute("SELECT refused_for FROM account").fetchone()
    return row[0] if row else None


def set_linking(db: SqlConnection, *, wanted: bool) -> None:
    """Note whether this is to be a further device of its identity, once that is proven."""
    db.execute("UPDATE account SET linking = ?", (wanted,))


def is_linking(db: SqlConnection) -> bool:
    """Say whether this is to be a further device, and the relay has not taken its card yet."""
    return db.execute("SELECT 1 FROM account WHERE linking").fetchone() is not None


def reissue(db: SqlConnection, card: Card) -> None:
    """Put another card over the same keys in the place of one that the relay has refused."""
    db.execute(
        "UPDATE account SET card = ?, state = 'pending', reason = NULL WHERE state = 'refused'",
        (encode(card.signed),),
    )


__all__ = [
    "Account",
    "EarlierCard",
    "accepted",
    "aim",
    "create",
    "find",
    "known_relay",
    "refused",
    "refused_for",
    "reissue",
    "token",
]
