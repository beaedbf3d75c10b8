"""Files that come with a message: noted with it, and fetched later (`files.fetches`)."""

import os

from peerpost_daemon.files.folder import NAME_BYTES
from peerpost_daemon.records import files
from peerpost_daemon.records.files import FileState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import Body, Files


def take(db: SqlConnection, message: int, body: Body) -> None:
    """Note the files of a message that was just stored; without effect when it has none.

    Also one of our own that this vault did not know: its copies are lost, and the relay may have them.
    """
    if isinstance(body, Files):
        for file in body.files:
            stored = os.urandom(NAME_BYTES).hex()
            files.add(db, message, file, stored, state=FileState.OFFERED, mine=False)
