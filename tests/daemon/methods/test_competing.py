"""Workers that share a queue, hang up and give back at random: every event is done with, once."""

import asyncio
import random

import pytest

from peerpost import AsyncClient
from tests.daemon.methods.house import BOB, House, message_by

COUNT = 60


class _Worker:
    """Work on events until all are done with; now and then hang up or give back."""

    def __init__(self, path: str, seed: int, done: list[str], finished: asyncio.Event) -> None:
        self.path = path
        self.random = random.Random(seed)
        self.done = done
        self.finished = finished

    async def run(self) -> None:
        while not self.finished.is_set():
            async with AsyncClient(self.path) as client:
                await self._session(client)

    async def _session(self, client: AsyncClient) -> None:
        kinds = ["message"]
        async with client.listen(
            consumer="shared", kinds=kinds, from_="start", ack_seconds=60, window=4
        ) as events:
            async for event in events:
                chance = self.random.random()
                if chance < 0.1:
                    return  # hung up with up to four events
                if chance < 0.2:
                    await events.nack(event, delay=0.01)
                    continue
                await events.ack(event)
                self.done.append(event["data"]["text"])
                if len(set(self.done)) == COUNT:
                    self.finished.set()


@pytest.mark.parametrize("seed", range(3))
async def test_workers_that_come_and_go_are_done_with_everything_once(
    alice: House, seed: int
) -> None:
    channel = await alice.channel(BOB)
    done, finished, path = list[str](), asyncio.Event(), str(alice.daemon.settings.socket)
    workers = [_Worker(path, seed * 10 + n, done, finished) for n in range(3)]
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        for n in range(COUNT):
            await alice.arrived(message_by(BOB, channel, f"{n}", sequence=n))
        async with asyncio.timeout(20):
            await finished.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(done, key=int) == [f"{n}" for n in range(COUNT)]
    shown = await alice.result("consumer.show", consumer="shared")
    assert (shown["in_flight"], shown["deferred"], shown["behind"]) == (0, 0, 0)
