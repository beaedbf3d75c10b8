import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon import delivery_watch, watch
from peerpost_daemon.errors import DaemonError
from tests.daemon.methods.house import House, house


@pytest.fixture
async def alice(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        await made.open()
        yield made


async def _queued(alice: House, text: str) -> tuple[str, bytes]:
    sent = await alice.result("message.send", to="bob@example.org", text=text)
    return sent["message"], bytes.fromhex(sent["message"].replace("-", ""))


async def test_what_has_happened_already_is_not_waited_for(alice: House) -> None:
    text, id_ = await _queued(alice, "a")
    await alice.move(text, "delivered")
    for state in ("queued", "sent", "delivered"):
        await alice.daemon.deliveries.reached(id_, state)


async def test_one_read_serves_all_who_wait(alice: House, monkeypatch: pytest.MonkeyPatch) -> None:
    deliveries, ids = alice.daemon.deliveries, [await _queued(alice, f"{n}") for n in range(20)]
    waiters = [asyncio.create_task(deliveries.reached(id_, "sent")) for _, id_ in ids]
    while deliveries._task is None or alice.daemon.bell._next is None:
        await alice.result("daemon.status")
    looks = 0
    states = delivery_watch._states

    def counted(*arguments: object) -> dict[bytes, int]:
        nonlocal looks
        looks += 1
        return states(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(deliveries, "_ranks", counted)
    await alice.daemon.write(lambda db: db.execute("UPDATE outbox SET state = 'sent'").rowcount)
    alice.daemon.bell.ring()
    await asyncio.gather(*waiters)
    assert looks == 1


async def test_those_who_wait_are_bounded(alice: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MAX_WATCHED", 0)
    _, id_ = await _queued(alice, "a")
    with pytest.raises(DaemonError) as caught:
        await alice.daemon.deliveries.reached(id_, "sent")
    assert caught.value.kind == "queue_full"


async def test_nobody_waits_once_it_has_stopped(alice: House) -> None:
    _, id_ = await _queued(alice, "a")
    waiter = asyncio.create_task(alice.daemon.deliveries.reached(id_, "sent"))
    while not alice.daemon.deliveries._watched:
        await alice.result("daemon.status")
    alice.daemon.deliveries.stop(DaemonError("shutting_down", "Stopping."))
    for waiting in (waiter, alice.daemon.deliveries.reached(id_, "sent")):
        with pytest.raises(DaemonError) as caught:
            await waiting
        assert caught.value.kind == "shutting_down"
