"""Link: this device's card, issued anew under the same keys, names the card of the identity that is to endorse it.

Which one that is, the relay says when it refuses a first card. Attacker: the relay, which may name any; the card that
endorses is chosen by whoever approves the code on another device.
"""

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records.account import Account
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.card import Card, issue_card
from peerpost_protocol.refusals import Refusal


def name_endorser(db: SqlConnection) -> bool:
    """Issue the card anew, naming the one for which the relay refused it; return True. Raises DaemonError."""
    account, endorser = accounts.find(db), accounts.refused_for(db)
    assert account is not None
    if endorser is None:
        raise DaemonError("relay_refused", "The relay names no device that could approve.")
    accounts.reissue(db, _naming(account, endorser))
    return True


def is_taken(db: SqlConnection) -> bool:
    """Say whether the relay has refused this device's card as a first one."""
    account = accounts.find(db)
    return account is not None and account.reason == Refusal.IDENTITY_TAKEN


def _naming(account: Account, endorser: bytes) -> Card:
    body = account.card.body
    return issue_card(
        account.keys, body.identity, body.device, body.created_at_ms, endorser=endorser
    )
