"""What tests of files look at: the rows of a vault, what is on disk, what can be read."""

from peerpost_daemon.files.reading import pieces
from peerpost_daemon.records import files
from peerpost_daemon.records.files import FileState, StoredFile
from peerpost_daemon.vault.connection import SqlConnection
from tests.support.accounts import RunningAccount


def all_files(db: SqlConnection) -> list[StoredFile]:
    numbers = [number for (number,) in db.execute("SELECT number FROM file ORDER BY number")]
    found = [files.find(db, number) for number in numbers]
    return [file for file in found if file is not None]


async def file_in(account: RunningAccount, state: FileState, place: int = 0) -> StoredFile:
    """Return a file of the account once it is in a state."""

    def look(db: SqlConnection) -> StoredFile | None:
        found = all_files(db)
        return found[place] if len(found) > place and found[place].state is state else None

    found = await account.until(look)
    assert found is not None
    return found


def plaintext(account: RunningAccount, file: StoredFile) -> bytes:
    return b"".join(pieces(account.folder, file))


def on_disk(account: RunningAccount) -> list[str]:
    return sorted(account.folder.names())
