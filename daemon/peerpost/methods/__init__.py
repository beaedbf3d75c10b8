"""The daemon's methods, declared once for both clients, a module for each family.

The bodies are empty because the declaration is the whole of a method; see `method`.
"""

from peerpost.methods.account import AccountMethods
from peerpost.methods.channel import ChannelMethods
from peerpost.methods.contact import ContactMethods
from peerpost.methods.daemon import DaemonMethods
from peerpost.methods.event import EventMethods
from peerpost.methods.file import FileMethods
from peerpost.methods.message import MessageMethods


class Methods(
    DaemonMethods,
    AccountMethods,
    ContactMethods,
    ChannelMethods,
    MessageMethods,
    FileMethods,
    EventMethods,
):
    """What a client can ask of the daemon; each raises PeerpostError or a subclass."""
