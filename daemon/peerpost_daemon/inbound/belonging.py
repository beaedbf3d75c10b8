"""What an envelope needs to belong here: checks 1, 2, 3 and 5 of taking.py, and how long its message may live."""

from msgspec.structs import replace

from peerpost_daemon.inbound.opening import Fault
from peerpost_daemon.records import channels, contacts, lineage, policies
from peerpost_daemon.records.channels import Channel
from peerpost_daemon.records.messages import Message
from peerpost_daemon.trust import ContactState, Policy, Trust, shows
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.envelope import Envelope
from peerpost_protocol.frames import Item
from peerpost_protocol.roster import RosterEvent

UNTRUSTED = "untrusted_card"
UNVERIFIED = "unverified_contact"
BLOCKED = "blocked"
REVOKED = "revoked_card"


def belongs(db: SqlConnection, channel: Channel, envelope: Envelope) -> Fault | None:
    """Say whether an envelope fits its channel and the roster in force there (checks 1 to 3)."""
    header = envelope.header
    if header.channel != channel.id:
        return fault_of(envelope, "wrong_channel", "it was written for another channel")  # 1
    roster = channel.roster
    if (header.roster_position, header.roster_head) != (roster.position, roster.head):
        known = channels.event_id(db, channel.id, header.roster_position)
        if known == header.roster_head:
            return fault_of(envelope, "stale_roster", "it was sealed under an older roster")  # 2
        return unknown_roster(envelope)
    member = lineage.speaks(db, roster, envelope.sender)
    if member is None:
        return fault_of(envelope, "not_a_member", "its sender is not a member")  # 3
    if not roster.may_post(member):
        return fault_of(envelope, "may_not_post", "its sender's role does not post")  # 3
    return None


def trusted(db: SqlConnection, envelope: Envelope) -> Fault | None:
    """Say whether the sender's card is believed here by the policy in force (check 5)."""
    sender = envelope.sender
    standing = contacts.standing(db, sender.id)
    if standing is None:
        return fault_of(envelope, UNTRUSTED, "its sender's card is not known")  # 5
    if standing.state is ContactState.BLOCKED:
        return fault_of(envelope, BLOCKED, "its sender is blocked")  # 5
    policy = policies.in_force(db, sender.identity, envelope.header.channel)
    if shows(policy, standing.state, standing.trust):
        return None
    if standing.trust is Trust.REVOKED:
        return fault_of(envelope, REVOKED, "its sender's card was revoked")  # 5
    if policy is Policy.VERIFIED_ONLY and standing.state is ContactState.PINNED:
        return fault_of(envelope, UNVERIFIED, "its sender has not been verified")  # 5
    return fault_of(envelope, UNTRUSTED, "its sender's card has not been accepted")  # 5


def hole(event: RosterEvent) -> Fault:
    """Return the fault of an event before which others were left out."""
    return Fault("bad_roster_event", "events before it were left out", card=event.author.id)


def unknown_roster(envelope: Envelope) -> Fault:
    """Return the fault of an envelope under a roster that is not known here."""
    return fault_of(envelope, "unknown_roster", "it was sealed under a roster not known here")  # 2


def shortened(message: Message, channel: Channel, item: Item) -> Message:
    """Let a message live no longer than the policy in force at its place lets it."""
    kept = channel.roster.policies.expire_ms
    if kept is None:
        return message
    ends = item.stored_at_ms + kept
    said = message.expires_at_ms
    return replace(message, expires_at_ms=ends if said is None else min(said, ends))


def fault_of(envelope: Envelope, reason: str, detail: str) -> Fault:
    """Return a fault that says which envelope it is about."""
    header = envelope.header
    return Fault(reason, detail, header.sender, header.message, header.sequence)
