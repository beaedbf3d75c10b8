"""Subscriptions: events from the vault to one caller, at the pace at which it reads.

A subscription holds a cursor and no events: it reads a page, hands it over event by event (each waits while the caller
does not read), and sleeps until the bell rings. It outlasts a vault that is locked: it goes on once that is open again.
That of a named consumer stops while its window is full of events that were not acknowledged. How the events of a queue
go out is in `queue_delivery`.
"""

import asyncio
import logging
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from peerpost_daemon import views
from peerpost_daemon.consumer_readers import Reader
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import CallerGone, DaemonError
from peerpost_daemon.event_data import ChangeData
from peerpost_daemon.records import event_pages
from peerpost_daemon.records.event_pages import Filter, Page, PagedEvent
from peerpost_daemon.records.held import Flight
from peerpost_daemon.records.messages import StoredMessage
from peerpost_daemon.records.within import EVERYWHERE, Within
from peerpost_daemon.rpc import Call
from peerpost_daemon.vault.connection import SqlConnection

NOTIFICATION: Final = "event"
RETRY_SECONDS: Final = 1.0  # until a vault that could not be read is tried again
log = logging.getLogger(__name__)
_changes: Final = msgspec.json.Decoder(ChangeData)


class Event(Struct, frozen=True):
    """Be the parameters of a notification; `data` is what the kind says, `attempt` is a queue's."""

    subscription: int
    cursor: int
    kind: str
    at_ms: int
    attempt: int | None
    data: Any


class Subscription(Struct, frozen=True):
    """Say what one caller wants to hear, after which cursor, and which channels it may know of."""

    number: int
    wanted: Filter
    after: int
    within: Within = EVERYWHERE


async def deliver(
    daemon: Daemon, call: Call, subscription: Subscription, reader: Reader | None
) -> None:
    """Notify the caller of every wanted event until it is gone; `reader` is a named consumer's."""
    cursor = subscription.after
    try:
        while True:
            rings = daemon.bell.rings
            if reader is not None and reader.room <= 0:
                await reader.woken()
                continue
            page = await _page(daemon, cursor, subscription, reader)
            if page is None:
                await patience(daemon, rings)
                continue
            for event in page.events:
                if reader is not None:
                    reader.give([Flight(event.cursor, 0)])
                await tell(call, subscription.number, event)
            cursor = page.upto
            if not page.more:
                await daemon.bell.wait(rings)
    except CallerGone:
        return


async def _page(
    daemon: Daemon, after: int, subscription: Subscription, reader: Reader | None
) -> Page | None:
    """Return the next page, None when the vault cannot be read now."""
    settings = daemon.settings
    limit = settings.event_page if reader is None else min(settings.event_page, reader.room)
    limit_bytes = settings.event_page_bytes

    def look(db: SqlConnection) -> Page:
        wanted = subscription.wanted.within(subscription.within.ids(db))
        return event_pages.page(db, after, wanted, limit=limit, limit_bytes=limit_bytes)

    try:
        return await daemon.read(look, quick=True)
    except DaemonError as error:
        note(error)
        return None


def note(error: DaemonError) -> None:
    """Log why events could not be read, unless the vault is only locked."""
    if error.kind not in ("locked", "no_vault"):
        log.warning("events could not be read: %s", error.kind)


async def patience(daemon: Daemon, rings: int) -> None:
    """Wait until a vault that could not be read may be read again."""
    try:
        async with asyncio.timeout(RETRY_SECONDS):
            await daemon.bell.wait(rings)
    except TimeoutError:
        return


async def tell(call: Call, number: int, event: PagedEvent, attempt: int | None = None) -> bool:
    """Notify of an event; return False when what it brought is no longer there."""
    data: Struct | Raw
    if event.message is not None and event.data is not None:
        data = _changed(event.message, event.data)
    elif event.message is not None:
        data = views.message(event.message, event.message.channel_name)
    elif event.data is not None:
        data = Raw(event.data)
    else:
        return False
    params = Event(number, event.cursor, event.kind, event.at_ms, attempt, data)
    await call.notify(NOTIFICATION, params)
    return True


def _changed(stored: StoredMessage, data: bytes) -> views.MessageChanged:
    change = _changes.decode(data)
    shown = views.message(stored, stored.channel_name)
    return views.MessageChanged(change.change, change.by, change.emoji, shown)  # type: ignore[arg-type]
