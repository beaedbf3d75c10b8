"""A local user who may receive names a consumer of somebody else's, or of a hook.

It would resume it, take its events, acknowledge them, or change what it wants: a hook would run for other channels, or
never again. The names of users are apart, and so are the keys under which they send.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.records import consumers
from peerpost_daemon.records.consumers import Consumer, Terms
from peerpost_daemon.records.event_pages import Filter
from peerpost_daemon.rpc import Scope
from peerpost_daemon.vault.connection import SqlConnection
from tests.daemon.methods.house import BOB, House
from tests.support.access import given, house_of_another, two_channels
from tests.support.people import NOW_MS

HOOK = "hook:deploy"


@pytest.fixture
async def mallory(tmp_path: Path) -> AsyncIterator[House]:
    """Return a daemon with a hook's consumer; its caller may send and receive everything."""
    async with house_of_another(tmp_path, given(Scope.SEND, Scope.RECEIVE)) as made:
        await two_channels(made)
        terms = Terms(Filter(kinds=frozenset({"message"})), 1, 60_000, 10)
        await made.daemon.write(lambda db: consumers.add(db, HOOK, 0, terms, NOW_MS))
        yield made


async def test_anothers_consumer_is_not_resumed_or_changed(mallory: House) -> None:
    before = await mallory.daemon.read(_hook)
    await mallory.result("event.subscribe", consumer=HOOK, kinds=["file"], **{"from": "start"})
    await mallory.result("event.ack", consumer=HOOK, cursor=1)
    assert await mallory.daemon.read(_hook) == before


@pytest.mark.parametrize(
    "method",
    ["consumer.show", "consumer.remove", "event.requeue", "event.discard", "event.dead_letters"],
)
async def test_anothers_consumer_is_not_there(mallory: House, method: str) -> None:
    assert (await mallory.error(method, consumer=HOOK))["kind"] == "unknown_consumer"
    assert (await mallory.result("consumer.list"))["consumers"] == []
    assert await mallory.daemon.read(_hook) is not None


async def test_anothers_key_is_another_key(mallory: House) -> None:
    own = await mallory.result("message.send", to=BOB.identity, text="x", idempotency_key="nightly")
    again = await mallory.result(
        "message.send", to=BOB.identity, text="x", idempotency_key="nightly"
    )
    assert again["message"] == own["message"]
    (waiting,) = [
        row
        for row in await mallory.waiting()
        if row.message.hex() == own["message"].replace("-", "")
    ]
    assert waiting.message
    keys = await mallory.daemon.read(
        lambda db: db.execute("SELECT idempotency_key FROM outbox").fetchall()
    )
    assert ("nightly",) not in keys


async def test_one_user_cannot_take_all_the_consumers(
    mallory: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerpost_daemon.methods.event.MAX_CONSUMERS_OF_USER", 2)
    for name in ("one", "two"):
        await mallory.result("event.subscribe", consumer=name)
    error = await mallory.error("event.subscribe", consumer="three")
    assert error["kind"] == "too_many_requests"


def _hook(db: SqlConnection) -> Consumer | None:
    return consumers.find(db, HOOK)
