"""The identities this daemon knows."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from peerpost.method import method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from peerpost.types import (
        Contact,
        Contacts,
        Listed,
        Policy,
        PolicySet,
        SafetyNumber,
    )


class ContactMethods:
    """Ask about the identities this daemon knows, and say what is believed of them."""

    @method("contact.list")
    def contact_list(self) -> Contacts:
        """List the identities this daemon knows."""

    @method("contact.show")
    def contact_show(self, identity: str) -> Contact:
        """Show one identity and its cards."""

    @method("contact.accept")
    def contact_accept(self, identity: str, *, card: str | None = None) -> Contact:
        """Trust the offered cards of an identity, or only one of them."""

    @method("contact.safety_number")
    def contact_safety_number(self, identity: str) -> SafetyNumber:
        """Return the number to compare with a contact over another way."""

    @method("contact.verify")
    def contact_verify(self, identity: str, safety_number: str) -> Contact:
        """Mark a contact as verified if the number is the one seen here."""

    @method("contact.block")
    def contact_block(self, identity: str) -> Contact:
        """Send nothing more to a contact and show nothing more of it."""

    @method("contact.unblock")
    def contact_unblock(self, identity: str) -> Contact:
        """Take a blocked contact as it was met."""

    @method("contact.name")
    def contact_name(self, identity: str, *, alias: str | None = None) -> Contact:
        """Give a contact another name here, or take it."""

    @method("contact.policy")
    def contact_policy(
        self,
        *,
        identity: str | None = None,
        channel: str | None = None,
        policy: Policy | None = None,
    ) -> PolicySet:
        """Set what is believed of a contact, or in a channel; None: what the default says."""

    @method("contact.known")
    def contact_known(self, fingerprints: str) -> Listed:
        """Verify contacts by a list of fingerprints, an identity and a fingerprint a line."""
