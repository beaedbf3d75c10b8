"""Requests: channels that others have added this account to, and who may do so unasked."""

from msgspec import Struct

from peerpost_daemon.consent import Consent
from peerpost_daemon.records import channels, requests
from peerpost_daemon.records.requests import Waiting
from peerpost_daemon.vault.connection import SqlConnection


class Request(Struct, frozen=True):
    """Show a channel that waits for an answer; its name and members are as its members say."""

    channel: str
    name: str
    direct: bool
    inviter: str
    members: list[str]
    waiting: int
    bytes: int
    full: bool
    at_ms: int


class Requests(Struct, frozen=True):
    """Show all requests, oldest first."""

    requests: list[Request]


class Declined(Struct, frozen=True):
    """Show what was declined, and whether its inviter is blocked now."""

    channel: str
    inviter: str
    blocked: bool


class Consented(Struct, frozen=True):
    """Show who may add this account unasked."""

    direct: Consent
    groups: Consent


def all_requests(db: SqlConnection) -> Requests:
    """Return what waits."""
    return Requests([_request(db, waiting) for waiting in requests.everything(db)])


def _request(db: SqlConnection, waiting: Waiting) -> Request:
    channel = channels.find(db, waiting.channel)
    assert channel is not None
    return Request(
        waiting.channel.hex(),
        channel.peer or channel.roster.name,
        channel.roster.direct,
        waiting.inviter,
        list(channel.roster.members),
        waiting.items,
        waiting.bytes,
        waiting.full,
        waiting.at_ms,
    )
