"""One member of a conversation: what a script does that speaks and listens through its daemon."""

import asyncio
from contextlib import suppress

from peerpost import NoDaemonError
from peerpost.types import Event, Message
from tests.support.account import Said
from tests.support.site import DaemonProcess

CONSUMER = "demonstration"


class Participant:
    """Say lines and hear those of the others, through crashes of the daemon."""

    def __init__(self, daemon: DaemonProcess, card: str, channel: str) -> None:
        self.daemon = daemon
        self.card = card
        self.said: list[Said] = []
        self.heard: dict[str, Message] = {}
        self.redelivered = 0  # what the promise "at least once" allows after a crash
        self.twice = 0  # the same message as two events: never allowed
        self.refused: list[Event] = []
        self._channel = channel
        self._cursors: set[int] = set()
        self._running = asyncio.Event()
        self._speaking = asyncio.Event()
        self._news = asyncio.Event()
        self._saying: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def is_here(self) -> bool:
        """Tell whether the daemon is there to speak to."""
        return self._running.is_set()

    def come(self) -> None:
        """Begin to listen; the daemon runs."""
        self._running.set()
        self._listening = asyncio.create_task(self._listen())

    async def go(self) -> None:
        """Finish the sentence and listen no more."""
        await self.has_said()
        await self.end()

    async def end(self) -> None:
        """Stop whatever is under way."""
        self._running.clear()
        tasks = [task for task in (self._saying, self._listening) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def crash(self) -> None:
        """Kill the daemon in the middle of the next call, and start it again."""
        self._speaking.clear()
        await self._speaking.wait()
        self._running.clear()
        await self.daemon.restart()
        self._running.set()

    async def begin_to_say(self, number: int, text: str) -> None:
        """Say a line once the one before has been taken."""
        await self.has_said()
        self._saying = asyncio.create_task(self._say(number, text))
        self._speaking.set()

    async def has_said(self) -> None:
        """Wait until the daemon has taken the line; raise what went wrong."""
        saying, self._saying = self._saying, None
        if saying is not None:
            await saying

    async def has_heard(self, count: int) -> None:
        """Wait for so many lines of the others."""
        while len(self.heard) < count:
            assert self._listening is not None
            news = asyncio.create_task(self._news.wait())
            await asyncio.wait([news, self._listening], return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
            if self._listening.done():
                self._listening.result()
            self._news.clear()

    async def _say(self, number: int, text: str) -> None:
        """Send; repeat with the same key while nobody knows whether the daemon took it."""
        while True:
            await self._running.wait()
            with suppress(NoDaemonError):
                delivery = await self.daemon.client.send(
                    channel=self._channel, text=text, idempotency_key=f"line {number}"
                )
                self.said.append(self._line(number, delivery["message"], text))
                return
            await asyncio.sleep(0)  # the crash that cut the call short has its turn

    def _line(self, number: int, message: str, text: str) -> Said:
        return Said(number, message, self.daemon.identity, self.card, text)

    async def _listen(self) -> None:
        client = self.daemon.client
        kinds = ["message", "quarantine"]
        async with client.listen(consumer=CONSUMER, kinds=kinds, reconnect=True) as events:
            async for event in events:
                self._hear(event)
                with suppress(NoDaemonError):  # then it comes again
                    await client.ack(event)

    def _hear(self, event: Event) -> None:
        if event["cursor"] in self._cursors:
            self.redelivered += 1
            return
        self._cursors.add(event["cursor"])
        if event["kind"] == "quarantine":
            self.refused.append(event)
            return
        message: Message = event["data"]  # type: ignore[assignment]  # the kind says so
        self.twice += message["message"] in self.heard
        self.heard[message["message"]] = message
        self._news.set()
