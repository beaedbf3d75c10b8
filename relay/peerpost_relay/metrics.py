"""`GET /metrics`: figures for Prometheus, on a listener of their own.

Everything is read when it is asked for; what only grows is counted once a commit, never for each message.
No figure names a card, an identity, a channel or an address. docs/metrics.md lists them; a test holds it to this table.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from peerpost_relay.errors import SetupError
from peerpost_relay.tls import Certificate

PATH = b"/metrics"
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
REQUEST_BYTES_MAX = 8_192
REQUEST_SECONDS = 5.0  # for one request and its answer
SCRAPES_MAX = 8  # at once; the next is dropped
UNIX_PREFIX = "unix:"


class Figures(Struct, frozen=True):
    """Be what the relay says of itself at one moment."""

    well: bool
    stopping: bool
    connections: int  # WebSockets with a session
    sockets: int  # in whatever phase
    waiting: int  # operations for the next commit
    groups: int  # committed since the start
    operations: int  # in them
    lost: int  # operations whose group could not be committed


class Row(Struct, frozen=True):
    """Be one metric: `value` says None where there is nothing to say."""

    name: str
    help: str
    value: Callable[["Scene"], float | None]

    @property
    def is_counter(self) -> bool:
        """Tell whether it only grows."""
        return self.name.endswith("_total")


class Scene(Struct, frozen=True):
    """Be what the rows look at."""

    figures: Figures
    database_bytes: int | None
    log_bytes: int | None
    free_bytes: int | None
    certificate: Certificate | None


ROWS = (
    Row("peerpost_relay_well", "1 when /health says 200.", lambda s: s.figures.well),
    Row("peerpost_relay_stopping", "1 while the relay drains.", lambda s: s.figures.stopping),
    Row("peerpost_relay_sessions", "Open WebSockets.", lambda s: s.figures.connections),
    Row("peerpost_relay_sockets", "Sockets in any phase.", lambda s: s.figures.sockets),
    Row(
        "peerpost_relay_writer_waiting",
        "Operations that wait for the next commit.",
        lambda s: s.figures.waiting,
    ),
    Row("peerpost_relay_commits_total", "Commits of the store.", lambda s: s.figures.groups),
    Row(
        "peerpost_relay_operations_total",
        "Operations in these commits, refused ones too.",
        lambda s: s.figures.operations,
    ),
    Row(
        "peerpost_relay_operations_lost_total",
        "Operations whose commit failed; their senders were told.",
        lambda s: s.figures.lost,
    ),
    Row("peerpost_relay_store_bytes", "Size of the database file.", lambda s: s.database_bytes),
    Row("peerpost_relay_store_log_bytes", "Size of its write-ahead log.", lambda s: s.log_bytes),
    Row("peerpost_relay_disk_free_bytes", "Left on the store's disk.", lambda s: s.free_bytes),
    Row(
        "peerpost_relay_certificate_expires_timestamp_seconds",
        "When the TLS certificate in use ends; absent without TLS.",
        lambda s: s.certificate.ends_at if s.certificate else None,
    ),
)


class RelayCollector(Collector):
    """Turn the rows into metrics at each scrape."""

    def __init__(
        self,
        database: Path,
        figures: Callable[[], Figures],
        certificate: Callable[[], Certificate | None],
    ) -> None:
        self._database = database
        self._figures = figures
        self._certificate = certificate

    def collect(self) -> Iterator[Metric]:
        """Give every metric that has a value."""
        scene = Scene(
            self._figures(),
            _size(self._database),
            _size(self._database.with_name(f"{self._database.name}-wal")),
            _free(self._database.parent),
            self._certificate(),
        )
        for row in ROWS:
            value = row.value(scene)
            if value is not None:
                family = CounterMetricFamily if row.is_counter else GaugeMetricFamily
                yield family(row.name, row.help, value=float(value))


def registry_of(collector: Collector) -> CollectorRegistry:
    """Return a registry of these metrics and those of the process."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class MetricsListener:
    """Answer scrapes on one address."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._scrapes = 0
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> Sequence[tuple[str, int]]:
        """Listen on HOST and PORT, or on `unix:/path`; raise SetupError."""
        try:
            if host.startswith(UNIX_PREFIX):
                path = host.removeprefix(UNIX_PREFIX)
                self._server = await asyncio.start_unix_server(self._scrape, path)
                return [(host, 0)]
            self._server = await asyncio.start_server(
                self._scrape, host, port, limit=REQUEST_BYTES_MAX
            )
        except OSError as error:
            said = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise SetupError(f"cannot listen on {host}:{port} for metrics: {said}") from None
        return [each.getsockname()[:2] for each in self._server.sockets]

    def close(self) -> None:
        """Accept no more."""
        if self._server is not None:
            self._server.close()

    async def _scrape(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._scrapes >= SCRAPES_MAX:
            writer.transport.abort()
            return
        self._scrapes += 1
        try:
            with suppress(TimeoutError, OSError, EOFError, asyncio.LimitOverrunError):
                async with asyncio.timeout(REQUEST_SECONDS):
                    writer.write(self._answer(await reader.readuntil(b"\r\n\r\n")))
                    await writer.drain()
        finally:
            self._scrapes -= 1
            writer.close()

    def _answer(self, request: bytes) -> bytes:
        method, _, rest = request.partition(b" ")
        if rest.partition(b" ")[0].partition(b"?")[0] != PATH:
            return _response(b"404 Not Found", b"see /metrics\n")
        if method != b"GET":
            return _response(b"405 Method Not Allowed", b"GET is expected\n")
        return _response(b"200 OK", generate_latest(self._registry))


def _response(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n"
    last = b"Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    return head % (status, CONTENT_TYPE, len(body)) + last + body


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _free(folder: Path) -> int | None:
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize
