"""One hook: a reader of its own queue, which answers for each event when the action has ended.

It is a caller like those of the socket, only that its lines are not sent but handled. The queue's window is the hook's
concurrency, so no more is handed over than may run at once.
"""

import asyncio
import logging
import os
import random
from typing import Final

import msgspec
from msgspec import Struct

from peerpost_daemon.daemon import Daemon, DaemonState
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.hooks.event import Action, Failure, HookEvent
from peerpost_daemon.hooks.settings import HookSettings
from peerpost_daemon.methods.answer import Acknowledge, AnswerMethods, Refuse
from peerpost_daemon.methods.event import EventMethods, Subscribe
from peerpost_daemon.rpc import EVERYTHING, Call
from peerpost_daemon.rpc.call import Caller, Peer

ANSWER_SECONDS: Final = 15.0  # beyond an action's own time, until the event is taken back
RETRY_SECONDS: Final = 5.0  # until a subscription that was refused is tried again
LONGEST_DELAY_SECONDS: Final = 300.0
LONGEST_DOUBLING: Final = 16
log = logging.getLogger(__name__)


class _Notified(Struct, frozen=True):
    """Be a line of the interface, as far as a hook reads it."""

    params: HookEvent


class Hook:
    """Handle events until closed. `close` must be awaited."""

    def __init__(self, daemon: Daemon, settings: HookSettings, action: Action) -> None:
        self._daemon = daemon
        self._settings = settings
        self._action = action
        peer = Peer(os.geteuid(), os.getegid(), os.getpid())
        self._call = Call(Caller.of(peer, EVERYTHING), self)
        self._events = EventMethods(daemon)
        self._answers = AnswerMethods(daemon)
        self._handling: set[asyncio.Task[None]] = set()
        self._subscribing = asyncio.create_task(self._subscribe(), name="hook")

    async def close(self) -> None:
        """End what runs; what it had comes again when the daemon is back."""
        self._subscribing.cancel()
        self._call.close()
        tasks = [self._subscribing, *self._handling]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def send(self, line: bytes) -> None:
        """Take a notification and handle it (see rpc.Outbound); the window bounds how many run."""
        event = msgspec.json.decode(line, type=_Notified).params
        task = asyncio.create_task(self._handle(event), name="hook-event")
        self._handling.add(task)
        task.add_done_callback(self._handling.discard)

    async def _subscribe(self) -> None:
        """Subscribe once the vault is open; the subscription outlasts its being locked."""
        said = ""
        while True:
            rings = self._daemon.bell.rings
            try:
                if self._daemon.state is DaemonState.READY:
                    await self._events.subscribe(self._wanted(), self._call)
                    return
            except DaemonError as error:
                if error.kind != said:
                    log.warning("hook %s waits: %s", self._settings.name, error.kind)
                    said = error.kind
            try:
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._daemon.bell.wait(rings)
            except TimeoutError:
                continue

    def _wanted(self) -> Subscribe:
        hook = self._settings
        return msgspec.convert(
            {
                "consumer": hook.consumer,
                "channels": list(hook.channels) or None,
                "kinds": list(hook.kinds),
                "from": "now",
                "window": hook.concurrency,
                "ack_seconds": hook.timeout_seconds + ANSWER_SECONDS,
                "max_attempts": hook.max_attempts,
            },
            Subscribe,
        )

    async def _handle(self, event: HookEvent) -> None:
        failure = await self._action(event)
        try:
            await self._answer(event, failure)
        except DaemonError as error:  # the event comes again: by then it is open, or has room
            log.warning(
                "hook %s: event %d was not noted: %s", self._settings.name, event.cursor, error.kind
            )

    async def _answer(self, event: HookEvent, failure: Failure | None) -> None:
        name = self._settings.consumer
        if failure is None:
            await self._answers.ack(Acknowledge(name, event.cursor), self._call)
            return
        delay = failure.retry_after or delay_after(event.attempt or 1)
        refused = await self._answers.nack(Refuse(name, event.cursor, delay), self._call)
        after = "is a dead letter" if refused.state == "dead" else f"comes again in {delay:.0f} s"
        log.warning(
            "hook %s %s; event %d %s", self._settings.name, failure.reason, event.cursor, after
        )


def delay_after(attempt: int) -> float:
    """Return the seconds until the next try: 1, 2, 4 … 300, of which up to a half is left to chance."""
    longest = min(LONGEST_DELAY_SECONDS, 2.0 ** min(attempt - 1, LONGEST_DOUBLING))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - so that many do not come together
