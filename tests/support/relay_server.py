"""A relay inside the test's own process and loop: everything real but the process.

    async with running_relay(folder) as relay:        # tokens are not asked for
        async with await RelayClient.register(relay.url, alice) as client: ...

A malicious relay is a real one with one rule changed: the rules are module functions looked up at
each call, so `monkeypatch.setattr("peerpost_relay.publishing.require_next", lambda *_: None)`
before or during the run changes exactly that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from peerpost_relay.blob_folder import BlobFolder
from peerpost_relay.data_folder import DataFolder
from peerpost_relay.mail import Postman
from peerpost_relay.mail_settings import MailSettings
from peerpost_relay.relay import Relay, wall_clock
from peerpost_relay.settings import EdgeSettings, RelaySettings
from peerpost_relay.sqlite_store import SqliteStore

OPEN = RelaySettings(allow_unverified=True, drain_seconds=5.0, close_seconds=1.0)


class RunningRelay(Struct):
    """Be a relay that listens, with what tests look into."""

    relay: Relay
    store: SqliteStore
    address: str
    folder: Path

    @property
    def url(self) -> str:
        """Return where clients connect."""
        return f"ws://{self.address}"


@asynccontextmanager
async def running_relay(
    folder: Path,
    settings: RelaySettings = OPEN,
    edge: EdgeSettings | None = None,
    *,
    clock: Callable[[], int] = wall_clock,
    host: str = "127.0.0.1",
    port: int = 0,
    make: type[Relay] = Relay,
    mail: MailSettings | None = None,
) -> AsyncIterator[RunningRelay]:
    """Serve `folder` on a free port until the end of the block; then drain and close."""
    data = DataFolder(folder)
    store = await SqliteStore.open(data.database, settings)
    blobs = BlobFolder(data.blobs)
    postman = Postman.of(mail, None) if mail else None
    relay = make(store, data.key(), settings, edge, blobs=blobs, clock=clock, postman=postman)
    try:
        bound = await relay.listen(host, port)
        yield RunningRelay(relay, store, str(bound[0]), folder)
        if relay.failed.done():
            relay.failed.result()
    finally:
        await asyncio.shield(relay.close())
        await store.close()
