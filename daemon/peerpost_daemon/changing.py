"""Change messages: by those who wrote them, by admins as moderation; and reactions.

Who may is told by the sender whose signature was verified, never by what a content says (docs/protocol/content.md,
"Changes of messages"). A change that came before its message waits for it.
"""

from msgspec import Struct

from peerpost_daemon.event_data import ChangeData
from peerpost_daemon.records import changes, early, events, outbox_bodies, reactions
from peerpost_daemon.records.bodies import Change, decode_body, encode_body
from peerpost_daemon.records.changes import Target
from peerpost_daemon.records.early import Early
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import Deletion, Edit, Reaction
from peerpost_protocol.roster import Role, Roster

_MODERATORS = (Role.OWNER, Role.ADMIN)


class Changing(Struct, frozen=True):
    """Be a change by a verified sender; `position` is its place in the stream, 0 while it has none."""

    channel: bytes
    sender: str
    moderates: bool
    position: int
    at_ms: int
    body: Change
    is_echo: bool = False  # of one that this daemon made before

    @property
    def author(self) -> str:
        """Return who has to have written the message."""
        return self.sender if isinstance(self.body, Edit) else self.body.author


def moderates(roster: Roster, identity: str) -> bool:
    """Tell whether an identity may delete what others wrote."""
    member = roster.members.get(identity)
    return member is not None and member.role in _MODERATORS


def is_allowed(change: Changing) -> bool:
    """Tell whether the sender may make the change."""
    if isinstance(change.body, Deletion):
        return change.author == change.sender or change.moderates
    return True


def apply(db: SqlConnection, change: Changing) -> bool:
    """Make an allowed change; return False when its message is not there."""
    found = changes.targets(db, change.channel, change.body.message, change.author)
    for target in found:
        if not target.is_deleted:
            _apply_to(db, target, change)
    return bool(found)


def apply_or_hold(db: SqlConnection, change: Changing) -> None:
    """Make an allowed change, or keep it until its message comes."""
    if not apply(db, change):
        waiting = Early(
            change.channel,
            change.body.message,
            change.sender,
            change.moderates,
            change.position,
            change.at_ms,
            encode_body(change.body),
        )
        early.hold(db, waiting)


def settle(db: SqlConnection, channel: bytes, message: bytes) -> None:
    """Make the changes that waited for a message; those of another one with its id go on waiting."""
    for waiting in early.release(db, channel, message):
        body = decode_body(waiting.body)
        assert isinstance(body, Change)
        change = Changing(
            channel, waiting.sender, waiting.moderates, waiting.position, waiting.at_ms, body
        )
        apply_or_hold(db, change)


def _forget(db: SqlConnection, target: Target, change: Changing, message: bytes) -> None:
    """Remove what the outbox holds of a deleted message; others can give theirs the id of one of ours."""
    if target.mine:
        outbox_bodies.forget_message(db, message, change.at_ms)
        return

    def is_about_it(stored: bytes) -> bool:
        body = decode_body(stored)
        return isinstance(body, Deletion | Reaction) and body.author == change.author

    outbox_bodies.empty_changes(db, message, change.at_ms, is_about_it)


def _is_edit(stored: bytes) -> bool:
    return isinstance(decode_body(stored), Edit)


def _apply_to(db: SqlConnection, target: Target, change: Changing) -> None:
    match change.body:
        case Edit(message, text):
            if not target.is_text or 0 < change.position <= target.edit_position:
                return
            changes.edit(db, target.cursor, text, change.position, change.at_ms)
            data = ChangeData("edited", change.sender)
            if change.is_echo:
                return
            if target.mine:
                outbox_bodies.wipe(db, message, change.at_ms, _is_edit)
        case Deletion(message):
            changes.erase(db, target.cursor, change.sender, change.at_ms)
            data = ChangeData("deleted", change.sender)
            _forget(db, target, change, message)
        case Reaction(emoji=emoji, withdrawn=True):
            if not reactions.withdraw(db, target.cursor, change.sender, emoji):
                return
            data = ChangeData("withdrawn", change.sender, emoji)
        case Reaction(emoji=emoji):
            if not reactions.put(db, target.cursor, change.sender, emoji, change.at_ms):
                return
            data = ChangeData("reacted", change.sender, emoji)
    events.add_change(db, change.at_ms, change.channel, target.cursor, data)
