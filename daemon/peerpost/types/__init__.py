"""What the daemon answers, as typed dictionaries: exactly the JSON objects on the wire.

`*_ms` are integer milliseconds since the epoch, UTC; `data` is standard base64; `channel` and
`card` are 64 hexadecimal digits; `message` is a UUID. Imported by type checkers and by those who
name a type, never by the command line.
"""

from peerpost.types.channels import Channel, Channels, Member
from peerpost.types.daemon import (
    Account,
    Alarm,
    Backlog,
    Check,
    Diagnosis,
    Finding,
    Health,
    HealthLink,
    Lag,
    Outbox,
    Relay,
    Status,
    Stopping,
    Storage,
)
from peerpost.types.directory import Card, Cards, Contact, ContactCard, Contacts
from peerpost.types.events import (
    Acknowledged,
    Chosen,
    Consumer,
    Consumers,
    DeadLetter,
    DeadLetters,
    Event,
    Refused,
    Removed,
    Start,
)
from peerpost.types.messages import (
    Delivery,
    DeliveryStatus,
    Marked,
    Message,
    Messages,
    Recipient,
    Step,
    Wait,
)

__all__ = [
    "Account",
    "Acknowledged",
    "Alarm",
    "Backlog",
    "Card",
    "Cards",
    "Channel",
    "Channels",
    "Check",
    "Chosen",
    "Consumer",
    "Consumers",
    "Contact",
    "ContactCard",
    "Contacts",
    "DeadLetter",
    "DeadLetters",
    "Delivery",
    "DeliveryStatus",
    "Diagnosis",
    "Event",
    "Finding",
    "Health",
    "HealthLink",
    "Lag",
    "Marked",
    "Member",
    "Message",
    "Messages",
    "Outbox",
    "Recipient",
    "Refused",
    "Relay",
    "Removed",
    "Start",
    "Status",
    "Step",
    "Stopping",
    "Storage",
    "Wait",
]
