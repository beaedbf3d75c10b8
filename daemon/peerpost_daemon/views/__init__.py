"""What the public interface answers: the records of the vault in their written form.

Ids are text, data is base64 (msgspec writes bytes so), times are milliseconds since the epoch. The names of the structs
are the names in the OpenRPC document.
"""

from peerpost_daemon.views.account import Account, account, fingerprint
from peerpost_daemon.views.backup import (
    Backup,
    BackupFetch,
    BackupVersion,
    Restored,
    StoredBackup,
    restored,
    stored_backup,
)
from peerpost_daemon.views.channel import Channel, ChannelMember, Channels, channel, channels
from peerpost_daemon.views.contact import (
    CardFound,
    CardsFound,
    Contact,
    ContactCard,
    Contacts,
    Listed,
    PolicySet,
    SafetyNumber,
    card_found,
    contact,
    safety_number,
)
from peerpost_daemon.views.delivery import Delivery, Recipient, delivery, received
from peerpost_daemon.views.device import (
    CardShown,
    Device,
    Devices,
    Linking,
    card_shown,
    device,
    linking,
)
from peerpost_daemon.views.file import Attached, File, attached, file
from peerpost_daemon.views.health import Diagnosis, Health, diagnosis, health
from peerpost_daemon.views.message import (
    Message,
    MessageChanged,
    Messages,
    head_of,
    message,
    with_reactions,
)
from peerpost_daemon.views.request import (
    Consented,
    Declined,
    Request,
    Requests,
    all_requests,
)
from peerpost_daemon.views.search import Found, Hit
from peerpost_daemon.views.status import Outbox, Relay, Status, relay

__all__ = [
    "Account",
    "Attached",
    "Backup",
    "BackupFetch",
    "BackupVersion",
    "CardFound",
    "CardShown",
    "CardsFound",
    "Channel",
    "ChannelMember",
    "Channels",
    "Consented",
    "Contact",
    "ContactCard",
    "Contacts",
    "Declined",
    "Delivery",
    "Device",
    "Devices",
    "Diagnosis",
    "File",
    "Found",
    "Health",
    "Hit",
    "Linking",
    "Listed",
    "Message",
    "MessageChanged",
    "Messages",
    "Outbox",
    "PolicySet",
    "Recipient",
    "Relay",
    "Request",
    "Requests",
    "Restored",
    "SafetyNumber",
    "Status",
    "StoredBackup",
    "account",
    "all_requests",
    "attached",
    "card_found",
    "card_shown",
    "channel",
    "channels",
    "contact",
    "delivery",
    "device",
    "diagnosis",
    "file",
    "fingerprint",
    "head_of",
    "health",
    "linking",
    "message",
    "received",
    "relay",
    "restored",
    "safety_number",
    "stored_backup",
    "with_reactions",
]
