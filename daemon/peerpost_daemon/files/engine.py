"""The part of the engine that moves files: uploads, fetches, and removals at the relay."""

from collections.abc import Callable

from peerpost_daemon.asking import Relay
from peerpost_daemon.bell import Bell
from peerpost_daemon.files.blob_line import BlobLine
from peerpost_daemon.files.fetches import Fetches
from peerpost_daemon.files.removals import Removals
from peerpost_daemon.files.store import FileStore
from peerpost_daemon.files.transfers import Progress
from peerpost_daemon.files.uploads import Uploads
from peerpost_daemon.link import Credentials, LinkSettings
from peerpost_daemon.link.errors import LinkDownError
from peerpost_daemon.records import account as accounts
from peerpost_daemon.vault.database import Database


class FileEngine:
    """Move the files of one account; `parts` are run by the engine."""

    def __init__(
        self,
        database: Database,
        store: FileStore,
        settings: LinkSettings,
        bell: Bell,
        *,
        relay: Relay,
        now_ms: Callable[[], int],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._database = database
        self._settings = settings
        self._now_ms = now_ms
        self._random_bytes = random_bytes
        self.progress = Progress()
        folder, line = store.folder, self._open_line
        self._uploads = Uploads(database, folder, line, self.progress, bell, now_ms=now_ms)
        self._fetches = Fetches(database, folder, line, self.progress, bell, now_ms=now_ms)
        self._fetches.max_bytes, self._fetches.fetch_bytes = store.max_bytes, store.fetch_bytes
        self._removals = Removals(database, relay, bell)
        self._uploads.unwanted = self._removals.wake
        self.parts = (self._uploads, self._fetches, self._removals)

    def then(self, uploaded: Callable[[], None]) -> None:
        """Tell when a message may leave."""
        self._uploads.uploaded = uploaded

    def wake(self) -> None:
        """Look for files to move and to remove."""
        for part in self.parts:
            part.wake()

    def go(self, *, online: bool) -> None:
        """Begin with the link, or stop with it."""
        for part in self.parts:
            part.go(online=online)

    async def _open_line(self) -> BlobLine:
        account = await self._database.read(accounts.find)
        if account is None or account.relay_key is None:
            raise LinkDownError("link_down", "no relay is known yet")
        return await BlobLine.open(
            self._settings,
            Credentials(account.card, account.keys, None, account.relay_key),
            now_ms=self._now_ms,
            random_bytes=self._random_bytes,
        )
