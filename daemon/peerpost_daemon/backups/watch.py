"""Watch the account's backup at the relay: who was given it, and whether it is the one that we know.

In every session, before anything else, a restored card says which holder of it we are (docs/decisions/0007). Then the
relay says what it keeps and who fetched it since; a fetch while we are online comes by itself.
"""

from collections.abc import Callable

from peerpost_daemon import event_data
from peerpost_daemon.asking import Relay, ask
from peerpost_daemon.bell import Bell
from peerpost_daemon.records import alarms, backup, events
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_protocol.card import Card
from peerpost_protocol.frames import Accepted, BackupFetch, BackupShown, HoldCard, ShowBackup


class BackupWatch:
    """Tell what happens to the backup of one account."""

    def __init__(
        self, database: Database, relay: Relay, me: Card, bell: Bell, *, now_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._relay = relay
        self._me = me
        self._bell = bell
        self._now_ms = now_ms

    async def hold(self) -> None:
        """Say that we hold the card, if it was restored; raise LinkError, also when somebody else does by now."""
        holder = await self._database.read(backup.holder)
        if holder is not None:
            await ask(self._relay, HoldCard(0, holder.number, holder.mark), Accepted)

    async def compare(self) -> None:
        """Learn what happened while we were away; raise LinkError."""
        known = await self._database.read(backup.state)
        shown = await ask(self._relay, ShowBackup(0, known.last_fetch), BackupShown)
        await self._database.write(lambda db: self._take_in(db, shown))
        self._bell.ring()

    def tell(self, db: SqlConnection, fetch: BackupFetch) -> None:
        """Tell of a fetch, once, unless it was our own."""
        if backup.told(db, fetch.number) and fetch.card != self._me.id:
            self._event(db, "fetched", fetch.version, fetch.card, fetch.at_ms)
            detail = f"version {fetch.version} by the card {fetch.card.hex()}"
            alarms.sound(db, "backup_fetched", detail, self._now_ms())

    def _take_in(self, db: SqlConnection, shown: BackupShown) -> None:
        for fetch in shown.fetches:
            self.tell(db, fetch)
        known = backup.state(db)
        if shown.version < known.stored:
            detail = f"version {shown.version} in place of {known.stored}"
            alarms.sound(db, "backup_rolled_back", detail, self._now_ms())
        if shown.version > known.version and shown.card != self._me.id:
            self._event(db, "replaced", shown.version, shown.card, shown.stored_at_ms)
        backup.known(db, shown.version)

    def _event(
        self, db: SqlConnection, change: str, version: int, card: bytes | None, at_ms: int
    ) -> None:
        data = event_data.BackupData(change, version, card.hex() if card else None, at_ms)
        events.add(db, event_data.BACKUP, self._now_ms(), data)
