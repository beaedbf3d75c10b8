"""The relay: its stages put together behind one listener.

    sockets ► Ingest (parse, verify) ► Writer (commit) ► FanOut (live followers)
                   └► Queries (answers from the store)      └► CatchUp (followers behind)
                                      Upkeep (expiry, revocations, probes)

Each stage is one task with one inbox. When a task of a stage ends by an error, the relay is broken
and says so through `failed`.
"""

import asyncio
import contextlib
import os
import random
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from peerpost_protocol import limits
from peerpost_protocol.frames import PROTOCOL_VERSION
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.signing import SigningKey
from peerpost_relay.addresses import network_of
from peerpost_relay.blob_folder import BlobFolder
from peerpost_relay.blobs import Blobs
from peerpost_relay.catch_up import CatchUp
from peerpost_relay.connection import Connection
from peerpost_relay.errors import RefusalError
from peerpost_relay.expiry import Heard, Upkeep
from peerpost_relay.fan_out import FanOut
from peerpost_relay.followers import Follower
from peerpost_relay.ingest import Ingest
from peerpost_relay.listener import Bound, Listener
from peerpost_relay.mail import Outbox, Postman
from peerpost_relay.metrics import Figures
from peerpost_relay.outcomes import Entered, News
from peerpost_relay.peer import Peer
from peerpost_relay.proofs import Proofs
from peerpost_relay.queries import Queries
from peerpost_relay.quotas import Quotas
from peerpost_relay.requests import Requests
from peerpost_relay.session import Session, State
from peerpost_relay.settings import EdgeSettings, RelaySettings
from peerpost_relay.stages import Stages
from peerpost_relay.store import Store
from peerpost_relay.writer import Writer

NAME = "peerpost-relay"


def wall_clock() -> int:
    """Return the time in ms since 1970."""
    return time.time_ns() // 1_000_000


class Relay:
    """Serve a store to its peers; hears from the listener what its connections bring."""

    def __init__(
        self,
        store: Store,
        key: SigningKey,
        settings: RelaySettings | None = None,
        edge: EdgeSettings | None = None,
        *,
        blobs: BlobFolder | None = None,
        postman: Postman | None = None,
        ssl_context: ssl.SSLContext | None = None,
        clock: Callable[[], int] = wall_clock,
        monotonic: Callable[[], float] = time.monotonic,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.settings = settings or RelaySettings()
        self.key = key
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._store = store
        self._catch_up = CatchUp(self.settings, store)
        self.fan_out = FanOut(self.settings, self._join, self._catch_up.wake)
        self._writer = Writer(self.settings, store, self._committed)
        self._queries = Queries(self.settings, store, monotonic)
        self._ingest = Ingest(self.settings, store)
        self._blobs = Blobs(
            self.settings, store, self._writer, blobs, clock=clock, random_bytes=random_bytes
        )
        self._outbox = Outbox(postman.settings, postman.post) if postman else None
        self._proofs = Proofs(
            self._outbox,
            self._writer,
            self.settings.waiting_ms,
            clock=clock,
            monotonic=monotonic,
            random_bytes=random_bytes,
        )
        stages = Stages(
            self._ingest, self._writer, self._queries, self.fan_out, self._blobs, self._proofs
        )
        self._quotas = Quotas(self.settings, monotonic)
        self._requests = Requests(
            self.settings,
            key,
            store.epoch,
            stages,
            self._quotas,
            clock=clock,
            random_bytes=random_bytes,
        )
        self._upkeep = Upkeep(
            self.settings, store, self._writer, Heard(self._entered, self._forsaken), clock
        )
        self._listener = Listener(
            edge or EdgeSettings(), self, self.information, self.health, ssl_context
        )
        self._peers: dict[Connection, Peer] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._draining = False

    async def listen(self, host: str, port: int = 0) -> list[Bound]:
        """Start the stages and listen; raise OSError when the address cannot be bound."""
        bound = await self._listener.listen(host, port)
        self._start_once()
        return bound

    async def adopt(self, passed: socket.socket) -> Bound:
        """Do the same on a listening socket that was passed on to us."""
        bound = await self._listener.adopt(passed)
        self._start_once()
        return bound

    async def alive(self, write: bool) -> str | None:  # noqa: FBT001 - see service_manager.Alive
        """Return what is wrong, for the watchdog: a stage has ended, or the store does not work."""
        if self.failed.done():
            return "a stage of the relay has ended"
        failing = await self._upkeep.probe() if write else self._writer.failing
        if failing is not None:
            return f"the store cannot be written ({failing})"
        return None if self._upkeep.readable else "the store cannot be read"

    def apply(self, settings: RelaySettings, edge: EdgeSettings, postman: Postman | None) -> None:
        """Go by other settings from now on; nothing that is under way is cut off by that."""
        self.settings = settings
        parts = (self._catch_up, self.fan_out, self._writer, self._queries, self._ingest)
        for part in (*parts, self._blobs, self._quotas, self._requests, self._upkeep):
            part.apply(settings)
        if self._outbox is not None and postman is not None:
            self._outbox.apply(postman.settings, postman.post)
        self._proofs.apply(settings.waiting_ms)
        self._listener.apply(edge)

    async def close(self) -> None:
        """Finish what is under way, say goodbye, and stop; the store stays the caller's."""
        self._draining = True
        for peer in self._peers.values():
            peer.throttle()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.drain_seconds):
                await self._ingest.drained()
                await self._writer.drained()
        for peer in list(self._peers.values()):
            peer.close(Refusal.SHUTTING_DOWN, "the relay is going down", self._come_back_ms())
        await self._listener.close(self.settings.close_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._blobs.close()
        self._ingest.close()

    # -- what the listener tells -----------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """Begin a session, which has so long to authenticate."""
        peer = Peer(
            connection, Session(self.settings.failed_tries_max), network_of(connection.peer)
        )
        connection.session = peer
        if self._draining:
            peer.close(Refusal.SHUTTING_DOWN, "the relay is going down", self._come_back_ms())
            return
        try:
            self._quotas.arrive(peer.address)
        except RefusalError as refusal:
            peer.close(refusal.kind, refusal.detail, refusal.retry_after_ms)
            return
        self._peers[connection] = peer
        loop = asyncio.get_running_loop()
        peer.timer = loop.call_later(self.settings.authentication_seconds, self._late, peer)

    def message(self, connection: Connection, payload: bytes) -> None:
        """Take a frame, unless the relay is stopping."""
        peer = self._peers.get(connection)
        if peer is not None and not peer.gone and not self._draining:
            self._ingest.take(peer, payload)

    def writable(self, connection: Connection) -> None:
        """Go on with a follower that waited for its socket."""
        peer = self._peers.get(connection)
        if peer is None or self._draining:
            return
        self._ingest.relieve(peer)
        if peer.follower is not None:
            self.fan_out.writable(peer.follower)

    def closed(self, connection: Connection) -> None:
        """Forget a peer."""
        connection.session = None
        peer = self._peers.pop(connection, None)
        if peer is None:
            return
        peer.leave()
        self._quotas.leave(peer.address)
        self._requests.forget(peer)
        self._ingest.forget(peer)
        if peer.follower is not None:
            self.fan_out.leave(peer.follower)

    # -- public information ----------------------------------------------------------------------

    def information(self) -> dict[str, object]:
        """Return what `GET /` says."""
        return {
            "name": NAME,
            "versions": [PROTOCOL_VERSION],
            "relay_key": self.key.public.hex(),
            "epoch": self._store.epoch.hex(),
            "needs_token": not self.settings.allow_unverified and not self._proofs.offered,
            "sends_codes": self._proofs.offered,
            "limits": {
                "frame_bytes": limits.MAX_FRAME,
                "envelope_bytes": limits.MAX_ENVELOPE,
                "members": limits.MAX_MEMBERS,
                "recipient_cards": limits.MAX_RECIPIENT_CARDS,
                "channels_per_card": self.settings.channels_per_card_max,
                "blob_bytes": self.settings.blob_bytes_max,
                "requests_in_flight": self.settings.requests_in_flight_max,
            },
        }

    def health(self) -> tuple[bool, dict[str, object]]:
        """Return what `GET /health` says, and whether that is well."""
        running = not self.failed.done() and not self._draining
        failing = self._writer.failing
        well = running and failing is None and self._upkeep.readable
        return well, {
            "well": well,
            "database": failing or ("ok" if self._upkeep.readable else Refusal.STORAGE_FAILED),
            "backlog": self._writer.backlog,
            "connections": len(self._peers),
            "stopping": self._draining,
        }

    def figures(self) -> Figures:
        """Return what the metrics say of this moment."""
        writer = self._writer
        return Figures(
            well=self.health()[0],
            stopping=self._draining,
            connections=len(self._peers),
            sockets=len(self._listener.connections),
            waiting=writer.backlog,
            groups=writer.groups,
            operations=writer.operations,
            lost=writer.lost,
        )

    # -- inside ----------------------------------------------------------------------------------

    def _join(self, follower: Follower, channel: bytes, position: int) -> None:
        self._requests.join(follower, channel, position)

    def _late(self, peer: Peer) -> None:
        peer.timer = None
        if peer.session.state is not State.AUTHENTICATED:
            peer.close(Refusal.IDLE, "not authenticated in time")

    def _committed(self, news: Sequence[News]) -> None:
        self.fan_out.committed([each for each in news if not isinstance(each, Entered)])
        for each in news:
            if isinstance(each, Entered):
                self._entered(each)

    def _entered(self, news: Entered) -> None:
        self.fan_out.entered(news)
        self._end(news.ended, Refusal.CARD_REVOKED, "the card has been revoked or replaced")

    def _forsaken(self, cards: Sequence[bytes]) -> None:
        self._end(
            cards, Refusal.TOKEN_REFUSED, "the token that permitted this card has been revoked"
        )

    def _end(self, cards: Sequence[bytes], kind: Refusal, detail: str) -> None:
        gone = set(cards)
        for peer in list(self._peers.values()) if gone else ():
            proof = peer.session.proof
            if proof is not None and proof.card.id in gone and not peer.gone:
                peer.close(kind, detail)

    def _come_back_ms(self) -> int:
        """Spread the returns, so that a restart is not met by everybody at once."""
        base = self.settings.come_back_ms
        return base + random.randrange(4 * base)  # noqa: S311  jitter, no secret

    def _start_once(self) -> None:
        if not self._tasks:
            self._start(self._ingest.run(self._requests))
            self._start(self._writer.run())
            self._start(self._queries.run())
            self._start(self._catch_up.run(self.fan_out))
            self._start(self._upkeep.run())
            if self._outbox is not None:
                self._start(self._outbox.run())
            self._start(self._blobs.run())

    def _start(self, stage: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(stage)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or self.failed.done():
            return
        error = task.exception()
        if error is not None:
            self.failed.set_exception(error)
