"""The serving process: start, say where, wait for a signal, drain, stop.

The first SIGTERM or SIGINT drains: nothing more is accepted, what is under way is finished and
answered, peers are told to come back. Every step of it is bounded. A second signal is the default
one again, and ends the process at once; nothing acknowledged is lost by that.

SIGHUP reads the configuration anew (reloading.py). Tokens, cards and channels do not need it: they are read from the
store whenever they count.
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop
from msgspec import Struct

from peerpost_relay import log_lines
from peerpost_relay.blob_folder import BlobFolder
from peerpost_relay.configuration import RelayConfiguration, address_of
from peerpost_relay.data_folder import DataFolder
from peerpost_relay.errors import SetupError
from peerpost_relay.listener import Bound
from peerpost_relay.mail import Postman
from peerpost_relay.metrics import MetricsListener, RelayCollector, registry_of
from peerpost_relay.relay import Relay
from peerpost_relay.reloading import Read, Reloading, credentials_of
from peerpost_relay.service_manager import ServiceManager, passed_sockets
from peerpost_relay.sqlite_store import SqliteStore
from peerpost_relay.starting import check_start
from peerpost_relay.tls import Tls, check_plain

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
PRIVATE_UMASK = 0o077
SOCKET_NAME = "peerpost-relay"  # FileDescriptorName= of the socket unit

log = logging.getLogger(__name__)


class Serving(Struct, frozen=True):
    """Say what to serve, and where; `read` reads the settings anew."""

    data: Path
    settings: RelayConfiguration
    read: Read


def serve(serving: Serving) -> None:
    """Serve until a signal; raise SetupError, StoreError or OSError when that cannot begin.

    Sockets that were passed on to us are listened on instead of those that the settings name.
    """
    manager = ServiceManager.of(os.environ)
    passed = passed_sockets(os.environ, SOCKET_NAME)
    os.umask(PRIVATE_UMASK)
    log_lines.begin(serving.settings.log_level, serving.settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(serving, manager, passed))


async def _serve(serving: Serving, manager: ServiceManager, passed: list[socket.socket]) -> None:
    folder = DataFolder(serving.data)
    settings = serving.settings
    postman = Postman.of(settings.mail, credentials_of(os.environ))
    tls = Tls(settings.tls) if settings.tls.certificate is not None else None
    held = folder.lock()
    try:
        check_start(folder, check_clock=settings.check_clock)
        store = await SqliteStore.open(folder.database, settings.relay)
        try:
            blobs = BlobFolder(folder.blobs)
            relay = Relay(
                store,
                folder.key(),
                settings.relay,
                settings.edge,
                blobs=blobs,
                postman=postman,
                ssl_context=tls.context if tls else None,
            )
            await _run(relay, serving, manager, passed, tls)
        finally:
            await store.close()
    finally:
        os.close(held)


async def _run(
    relay: Relay,
    serving: Serving,
    manager: ServiceManager,
    passed: list[socket.socket],
    tls: Tls | None,
) -> None:
    stopped = asyncio.Event()
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, _stopping(number, stopped))
    try:
        bound = await _listen(relay, serving, passed)
        metrics = await _measure(relay, serving, tls)
        _announce(relay, bound)
        reloading = Reloading(relay, tls, serving.settings, serving.read, os.environ)
        async with _reporting(relay, manager, f"listening on {bound[0]}", tls, reloading):
            await _until(stopped, relay)
        if metrics is not None:
            metrics.close()
    finally:
        await relay.close()
        log.info("stopped")


async def _listen(relay: Relay, serving: Serving, passed: list[socket.socket]) -> list[Bound]:
    if passed:
        adopted = [await relay.adopt(one) for one in passed]
        for one in adopted:
            check_plain(one.host, serving.settings.tls)
        return adopted
    bound: list[Bound] = []
    for text in serving.settings.listen:
        try:
            bound += await relay.listen(*address_of(text))
        except OSError as error:
            said = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise SetupError(
                f"cannot listen on {text}: {said}; end what is there, or choose another address"
            ) from None
    return bound


async def _measure(relay: Relay, serving: Serving, tls: Tls | None) -> MetricsListener | None:
    """Answer scrapes, if that is wanted."""
    if serving.settings.metrics is None:
        return None
    collector = RelayCollector(
        DataFolder(serving.data).database, relay.figures, lambda: tls.certificate if tls else None
    )
    listener = MetricsListener(registry_of(collector))
    where = await listener.listen(*address_of(serving.settings.metrics))
    log.info("metrics on %s", ", ".join(f"{host}:{port}" for host, port in where))
    return listener


@asynccontextmanager
async def _reporting(
    relay: Relay, manager: ServiceManager, status: str, tls: Tls | None, reloading: Reloading
) -> AsyncIterator[None]:
    """Be ready for the manager: answer its reloads and its watchdog, and say when we stop."""

    def reload() -> None:
        manager.reloading()
        manager.ready(f"{status}; {reloading.reload()}")

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reload)
    manager.ready(status)
    running = [asyncio.create_task(manager.feed(relay.alive))]
    if tls is not None:
        running.append(asyncio.create_task(tls.watch()))
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        manager.stopping()


def _stopping(number: signal.Signals, stopped: asyncio.Event) -> Callable[[], None]:
    def stop() -> None:
        log.info("%s: draining", number.name)
        asyncio.get_running_loop().remove_signal_handler(number)
        stopped.set()

    return stop


async def _until(stopped: asyncio.Event, relay: Relay) -> None:
    """Wait for a signal; raise whatever broke a stage."""
    waiting = asyncio.ensure_future(stopped.wait())
    ends: set[asyncio.Future[Any]] = {waiting, relay.failed}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if relay.failed.done():
        relay.failed.result()


def _announce(relay: Relay, bound: list[Bound]) -> None:
    """Print the one line of standard output that programs wait for; it names the first address."""
    where = [each.url for each in bound]
    print(f"listening on {where[0]} relay-key {relay.key.public.hex()}", flush=True)  # noqa: T201
    log.info("listening on %s", ", ".join(where))
