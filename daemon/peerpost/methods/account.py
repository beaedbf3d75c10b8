"""This daemon's account and cards."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from peerpost.method import method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from peerpost.types import (
        Account,
        Backup,
        BackupVersion,
        Cards,
        CardShown,
        Devices,
        Linking,
        Reason,
        Restored,
        StoredBackup,
    )


class AccountMethods:
    """Ask about this daemon's identity, its cards, its devices and its backups."""

    @method("account.register")
    def register(
        self,
        identity: str,
        *,
        token: str | None = None,
        device: str | None = None,
        relay: str | None = None,
        relay_key: str | None = None,
        timeout: float | None = None,
    ) -> Account:
        """Make this daemon's card and publish it; `pending` when the relay is out of reach."""

    @method("account.show")
    def account_show(self) -> Account:
        """Show this daemon's identity and card."""

    @method("account.backup")
    def backup(
        self, passphrase: str, *, file: str | None = None, messages: bool | None = None
    ) -> Backup:
        """Seal keys, contacts, channels and messages under a passphrase, for a file or the relay."""

    @method("account.backup_show")
    def backup_show(self) -> StoredBackup:
        """Show what backup the relay keeps, and who was given it."""

    @method("account.backup_passphrase")
    def backup_passphrase(self, passphrase: str) -> BackupVersion:
        """Put the relay's backup under another passphrase; the bulk is not sent again."""

    @method("account.backup_destroy")
    def backup_destroy(self) -> BackupVersion:
        """Destroy the relay's backup for good."""

    @method("account.restore")
    def restore(
        self, passphrase: str, *, file: str | None = None, relay: str | None = None
    ) -> Restored:
        """Be the account of a backup again, in an empty vault."""

    @method("account.link")
    def account_link(
        self,
        identity: str,
        *,
        token: str | None = None,
        device: str | None = None,
        relay: str | None = None,
        relay_key: str | None = None,
        timeout: float | None = None,
        with_history: bool | None = None,
    ) -> Linking:
        """Make this daemon a further device of an identity, for another device to approve."""

    @method("account.prove")
    def account_prove(self, *, code: str | None = None, timeout: float | None = None) -> Account:
        """Prove this account's identity: without a code have one mailed, with it become verified."""

    @method("account.devices")
    def account_devices(self) -> Devices:
        """List the devices of this account's identity."""

    @method("account.approve")
    def account_approve(self, code: str, *, with_history: bool | None = None) -> Devices:
        """Let the device take part that shows this code."""

    @method("account.rotate")
    def account_rotate(self, *, timeout: float | None = None) -> Account:
        """Replace this device's card by a successor with fresh keys."""

    @method("card.show")
    def card_show(self, *, card: str | None = None) -> CardShown:
        """Show a card by its id, this daemon's own if none is given."""

    @method("card.endorse")
    def card_endorse(self, card: str) -> CardShown:
        """Vouch for another card of this account's identity."""

    @method("card.revoke")
    def card_revoke(self, card: str, *, reason: Reason | None = None) -> CardShown:
        """End a card of this account's identity for good."""

    @method("card.search")
    def card_search(self, identity: str) -> Cards:
        """Search the relay's directory for the live cards of an identity."""
