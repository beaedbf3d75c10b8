"""The daemon's link to its relay: sessions, requests and what arrives. It knows no vault and no message."""

from peerpost_daemon.link.errors import (
    AddressError,
    InboundFullError,
    LinkBusyError,
    LinkDownError,
    LinkError,
    RefusedError,
    RelayFaultError,
)
from peerpost_daemon.link.observer import LinkObserver
from peerpost_daemon.link.relay_link import RelayLink
from peerpost_daemon.link.requests import AnswerFrame, RequestFrame
from peerpost_daemon.link.session import MAX_PENDING_REQUESTS
from peerpost_daemon.link.settings import (
    Credentials,
    LinkSettings,
    check_address,
    check_authorities,
)
from peerpost_daemon.link.status import LinkFault, LinkState, LinkStatus

__all__ = [
    "MAX_PENDING_REQUESTS",
    "AddressError",
    "AnswerFrame",
    "Credentials",
    "InboundFullError",
    "LinkBusyError",
    "LinkDownError",
    "LinkError",
    "LinkFault",
    "LinkObserver",
    "LinkSettings",
    "LinkState",
    "LinkStatus",
    "RefusedError",
    "RelayFaultError",
    "RelayLink",
    "RequestFrame",
    "check_address",
    "check_authorities",
]
