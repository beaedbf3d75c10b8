"""Take read marks: find out which messages of ours have been read.

A mark speaks for its sender's identity alone, whichever of its cards sent it, and for nothing that stands after it in
the stream. Marks never go back.
"""

from peerpost_daemon.delivering import note_read
from peerpost_daemon.inbound.opening import Taking
from peerpost_daemon.records import read_marks
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import ReadMark
from peerpost_protocol.envelope import Envelope
from peerpost_protocol.frames import Item


def take(db: SqlConnection, envelope: Envelope, mark: ReadMark, item: Item, taking: Taking) -> None:
    """Store the mark that an envelope brought, and what follows from it."""
    channel, identity = envelope.header.channel, envelope.sender.identity
    position = min(mark.position, item.position)
    before = read_marks.note(db, channel, identity, position, taking.now_ms)
    if before is not None and identity != taking.me.card.identity:
        note_read(db, channel, (before, position), taking.me.card, taking.now_ms)
