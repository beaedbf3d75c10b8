"""The store of files and its bounds, together."""

from msgspec import Struct

from peerpost_daemon.files.folder import FileFolder
from peerpost_daemon.settings import DaemonSettings


class FileStore(Struct, frozen=True):
    """Be where copies are kept; `max_bytes` of all, `fetch_bytes` of one that is fetched unasked."""

    folder: FileFolder
    max_bytes: int
    fetch_bytes: int


def store_of(settings: DaemonSettings) -> FileStore:
    """Return the store that the settings describe."""
    folder = FileFolder(settings.files)
    return FileStore(folder, settings.max_files_bytes, settings.fetch_files_bytes)
