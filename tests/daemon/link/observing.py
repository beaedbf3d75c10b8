"""A recorder for the layer above the link, and a running link to put under it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from peerpost_daemon.link import Credentials, LinkSettings, LinkState, LinkStatus, RelayLink
from peerpost_protocol.card import DeviceKeys, issue_card
from peerpost_protocol.frames import (
    Attestation,
    BackupFetch,
    CardNotice,
    ChannelState,
    Cursor,
    Deliver,
    Item,
    ItemKind,
    Publish,
)
from peerpost_protocol.signing import Signed
from tests.support.scripted_relay import ScriptedRelay

PATIENCE_SECONDS = 10
OUR_TIME_MS = 999_000
TOKEN = "a-very-secret-token"
CHANNEL = b"c" * 32


def credentials(**more: Any) -> Credentials:
    keys = DeviceKeys(b"s" * 32, b"e" * 32)
    return Credentials(issue_card(keys, "alice@example.org", "laptop", 1), keys, **more)


def envelope(number: int) -> Publish:
    return Publish(0, number.to_bytes(8))


def delivery(*positions: int) -> Deliver:
    return Deliver(CHANNEL, tuple(Item(p, ItemKind.ENVELOPE, 0, b"x") for p in positions))


class Observer:
    """Write down every call in order; wake whoever waits for one."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.positions: list[int] = []
        self.statuses: list[LinkStatus] = []
        self.welcome: tuple[bytes, Attestation, bytes] | None = None
        self.on_subscribed: Callable[[], Any] = _nothing
        self.on_deliver: Callable[[], None] = lambda: None
        self._changed = asyncio.Event()

    async def welcomed(self, relay_key: bytes, attestation: Attestation, epoch: bytes) -> None:
        self.welcome = (relay_key, attestation, epoch)
        self._note("welcomed")

    async def cursors(self) -> tuple[Cursor, ...]:
        self._note("cursors")
        newest = max(self.positions, default=0)
        return (Cursor(CHANNEL, newest, 0),) if newest else ()

    async def subscribed(self, states: tuple[ChannelState, ...]) -> None:
        await self.on_subscribed()
        self._note("subscribed")

    def deliver(self, channel: bytes, items: tuple[Item, ...], size: int) -> None:
        self.on_deliver()
        self.positions.extend(item.position for item in items)
        self._note("deliver")

    def receipt(self, channel: bytes, revision: int, receipt: Signed, size: int) -> None:
        self._note("receipt")

    def backup_fetched(self, fetch: BackupFetch) -> None:
        self._note("backup_fetched")

    def cards(self, news: CardNotice, size: int) -> None:
        self._note("cards")

    def joined(self, state: ChannelState) -> None:
        self._note("joined")

    def changed(self, status: LinkStatus) -> None:
        self.statuses.append(status)
        self._note(status.state.value)

    async def called(self, call: str, times: int = 1) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.calls.count(call) < times:
                self._changed.clear()
                await self._changed.wait()

    async def reached(self, state: LinkState, times: int = 1) -> LinkStatus:
        await self.called(state.value, times)
        return [status for status in self.statuses if status.state is state][times - 1]

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self._changed.set()


async def _nothing() -> None:
    return None


@asynccontextmanager
async def running(
    relay: ScriptedRelay, who: Credentials | None = None, **settings: Any
) -> AsyncIterator[tuple[RelayLink, Observer]]:
    observer = Observer()
    link = RelayLink(
        LinkSettings(**{"url": relay.url, "first_delay": 0.01, "watch_interval": 0.01, **settings}),
        who or credentials(token=TOKEN),
        observer,
        now_ms=lambda: OUR_TIME_MS,
        monotonic=time.monotonic,
        random_bytes=os.urandom,
        jitter=lambda: 0.5,
    )
    task = asyncio.create_task(link.run())
    try:
        yield link, observer
    finally:
        await link.close()
        await task
