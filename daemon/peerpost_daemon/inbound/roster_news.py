"""Roster news: what a roster event means for people, as an event of kind `channel`."""

from peerpost_daemon import event_data
from peerpost_daemon.records import events
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.roster import (
    Add,
    Ban,
    Change,
    Create,
    Leave,
    Remove,
    Rename,
    Roster,
    RosterEvent,
    SetPolicies,
    SetRole,
    SetTopic,
    Unban,
)


def tell(
    db: SqlConnection, before: Roster | None, roster: Roster, event: RosterEvent, now_ms: int
) -> None:
    """Raise the event that says what has changed."""
    author = event.author.identity
    change = event.body.change
    data = event_data.ChannelData(
        roster.channel.hex(),
        roster.name,
        _WORDS[type(change)],
        author,
        _concerned(change, author),
        _detail(change, before),
    )
    events.add(db, event_data.CHANNEL, now_ms, data, channel=roster.channel)


_WORDS: dict[type[Change], str] = {
    Create: "created",
    Add: "added",
    Remove: "removed",
    Leave: "left",
    SetRole: "role",
    Rename: "renamed",
    SetTopic: "topic",
    SetPolicies: "policy",
    Ban: "banned",
    Unban: "unbanned",
}


def _concerned(change: Change, author: str) -> list[str]:
    match change:
        case Create(members=members) | Add(members):
            return [member.identity for member in members]
        case Remove(identities) | Ban(identities) | Unban(identities):
            return list(identities)
        case SetRole(identity):
            return [identity]
        case Leave():
            return [author]
        case _:
            return []


def _detail(change: Change, before: Roster | None) -> str | None:
    match change:
        case SetRole(role=role):
            return role.value
        case Rename():
            return before.name if before else None
        case SetTopic(topic):
            return topic
        case _:
            return None
