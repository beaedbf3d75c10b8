"""All methods and all kinds of events, in one place."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from peerpost_daemon import event_data, views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.methods.account import AccountMethods
from peerpost_daemon.methods.answer import AnswerMethods
from peerpost_daemon.methods.archive import ArchiveMethods
from peerpost_daemon.methods.backup import BackupMethods
from peerpost_daemon.methods.card import CardMethods
from peerpost_daemon.methods.change import ChangeMethods
from peerpost_daemon.methods.channel import ChannelMethods
from peerpost_daemon.methods.channel_alias import ChannelAliasMethods
from peerpost_daemon.methods.channel_requests import ChannelRequestMethods
from peerpost_daemon.methods.channel_rules import ChannelRuleMethods
from peerpost_daemon.methods.consumer import ConsumerMethods
from peerpost_daemon.methods.contact import ContactMethods
from peerpost_daemon.methods.daemon import DaemonMethods
from peerpost_daemon.methods.devices import DeviceMethods
from peerpost_daemon.methods.event import EventMethods
from peerpost_daemon.methods.file import FileMethods
from peerpost_daemon.methods.filing import Filing
from peerpost_daemon.methods.judging import JudgingMethods
from peerpost_daemon.methods.message import MessageMethods
from peerpost_daemon.methods.reading import ReadingMethods
from peerpost_daemon.methods.search import SearchMethods
from peerpost_daemon.methods.send import SendMethods
from peerpost_daemon.rpc import EventType, Method, Registry, register_discover
from peerpost_daemon.version import VERSION

EVENT_TYPES: Final = (
    EventType(event_data.MESSAGE, views.Message, "A message was taken into the inbox."),
    EventType(
        event_data.MESSAGE_CHANGED,
        views.MessageChanged,
        "A message was edited, deleted, reacted to, or a reaction was taken back.",
    ),
    EventType(
        event_data.MESSAGE_STATUS,
        event_data.MessageStatusData,
        "A message of this account got further, or failed.",
    ),
    EventType(
        event_data.CONTACT_CHANGED,
        event_data.ContactChangedData,
        "An identity has other cards than before, or was judged here.",
    ),
    EventType(event_data.CHANNEL, event_data.ChannelData, "A channel or its members changed."),
    EventType(event_data.QUARANTINE, event_data.QuarantineData, "Something was not taken."),
    EventType(event_data.LINK, event_data.LinkData, "The link to the relay changed."),
    EventType(
        event_data.RECEIPT,
        event_data.ReceiptData,
        "A card has this account's messages up to a sequence.",
    ),
    EventType(
        event_data.BACKUP,
        event_data.BackupData,
        "Another card was given the account's backup at the relay, or replaced it.",
    ),
    EventType(event_data.FILE, event_data.FileData, "A file got further, is here, or was refused."),
    EventType(event_data.DAEMON, event_data.DaemonData, "Something happened to the daemon."),
)

_NOUNS: Final[tuple[Callable[[Daemon], Iterable[Method]], ...]] = (
    lambda daemon: DaemonMethods(daemon).all(),
    lambda daemon: AccountMethods(daemon).all(),
    lambda daemon: DeviceMethods(daemon).all(),
    lambda daemon: BackupMethods(daemon).all(),
    lambda daemon: CardMethods(daemon).all(),
    lambda daemon: ContactMethods(daemon).all(),
    lambda daemon: JudgingMethods(daemon).all(),
    lambda daemon: ChannelMethods(daemon).all(),
    lambda daemon: ChannelRuleMethods(daemon).all(),
    lambda daemon: ChannelRequestMethods(daemon).all(),
    lambda daemon: ChannelAliasMethods(daemon).all(),
    lambda daemon: _sending(daemon),  # noqa: PLW0108  it is defined below
    lambda daemon: MessageMethods(daemon).all(),
    lambda daemon: ReadingMethods(daemon).all(),
    lambda daemon: ChangeMethods(daemon).all(),
    lambda daemon: SearchMethods(daemon).all(),
    lambda daemon: ArchiveMethods(daemon).all(),
    lambda daemon: EventMethods(daemon).all(),
    lambda daemon: AnswerMethods(daemon).all(),
    lambda daemon: ConsumerMethods(daemon).all(),
)


def _sending(daemon: Daemon) -> Iterator[Method]:
    """Declare what shares the drafts of callers."""
    filing = Filing(daemon)
    yield from SendMethods(daemon, filing).all()
    yield from FileMethods(daemon, filing).all()


def registry_of(daemon: Daemon) -> Registry:
    """Return all methods, bound to a daemon."""
    registry = Registry(method for noun in _NOUNS for method in noun(daemon))
    register_discover(registry, EVENT_TYPES, VERSION)
    return registry
