"""Files that go with a message: it leaves when all of them are at the relay."""

from collections.abc import Sequence

from peerpost_daemon.files.drafts import Finished
from peerpost_daemon.records import files
from peerpost_daemon.records.files import FileState
from peerpost_daemon.vault.connection import SqlConnection


def attach(db: SqlConnection, message: int, finished: Sequence[Finished]) -> None:
    """Give files to a message that was just queued."""
    for one in finished:
        files.add(db, message, one.file, one.stored, state=FileState.UPLOADING, mine=True)
    if finished:
        files.owe_uploads(db, message, len(finished))
