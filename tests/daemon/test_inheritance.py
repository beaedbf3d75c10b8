"""The hand-over of a history goes on where it was, whichever side is stopped in the middle of it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from peerpost_daemon import inheritance as handing_on
from peerpost_daemon.link_code import code_of
from peerpost_daemon.records import inheritance
from peerpost_daemon.vault.connection import SqlConnection
from tests.support.accounts import RunningAccount, account
from tests.support.relay_server import running_relay

ALICE = "alice@example.org"
TEXTS = [f"message {number}" for number in range(12)]


class Device:
    """Be a device that can be stopped and started again."""

    def __init__(self, folder: Path, url: str, endorser: bytes | None = None) -> None:
        self._made = (folder, ALICE, url)
        self._endorser = endorser
        self._stack = AsyncExitStack()
        self.account: RunningAccount

    async def start(self) -> RunningAccount:
        made = account(*self._made, endorser=self._endorser)
        self.account = await self._stack.enter_async_context(made)
        await self.account.online()
        return self.account

    async def stop(self) -> None:
        await self._stack.aclose()


class Pair(Struct):
    """Be a laptop with a history that it is about to hand on, and a phone that wants it."""

    laptop: Device
    phone: Device

    async def begin(self) -> None:
        await self.laptop.account.engine.inheritance.begin()


@pytest.fixture
async def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    monkeypatch.setattr(handing_on, "MESSAGES_A_PAGE", 1)
    async with running_relay(tmp_path / "relay") as relay:
        laptop = Device(tmp_path / "laptop", relay.url)
        alice = await laptop.start()
        channel = await alice.channel("ops")
        for text in TEXTS:
            await alice.outgoing(await alice.send(channel, text), "delivered")
        phone = Device(tmp_path / "phone", relay.url, alice.card.id)
        new = await phone.start()
        await new.database.write(inheritance.expect)
        await alice.engine.devices.approve(code_of(new.card.id))
        await alice.engine.judge(lambda _db: None)
        yield Pair(laptop, phone)
        await phone.stop()
        await laptop.stop()


def texts(db: SqlConnection) -> list[str]:
    rows = db.execute("SELECT body FROM message WHERE imported ORDER BY cursor").fetchall()
    return [body.decode() for (body,) in rows]


def pages_sent(db: SqlConnection) -> int:
    (count,) = db.execute(
        "SELECT count(*) FROM outbox WHERE subject = message AND state NOT IN ('queued', 'sealed')"
    ).fetchone()
    return int(count)


@contextmanager
def held_after(pages: int) -> Iterator[None]:
    """Let the giver queue so many pages and wait then."""
    real, queued = handing_on._next_page, list[bytes]()

    def some(db: SqlConnection, id_: bytes, now_ms: int) -> tuple[bool, bool]:
        if len(queued) == pages:
            return True, False
        more, added = real(db, id_, now_ms)
        queued.extend([id_] if added else [])
        return more, added

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handing_on, "_next_page", some)
        yield


async def everything(phone: RunningAccount) -> None:
    await phone.until(lambda db: len(texts(db)) >= len(TEXTS))
    assert sorted(await phone.read(texts)) == sorted(TEXTS)


async def test_it_comes_page_by_page(pair: Pair) -> None:
    await pair.begin()
    await everything(pair.phone.account)
    told = await pair.phone.account.events("daemon", change="history_received")
    assert len(told) >= len(TEXTS)
    await pair.laptop.account.until(lambda db: pages_sent(db) == len(TEXTS))


async def test_a_giver_that_is_stopped_in_the_middle_goes_on_where_it_was(pair: Pair) -> None:
    with held_after(3):
        await pair.begin()
        await pair.phone.account.until(lambda db: len(texts(db)) == 3)
        await pair.laptop.stop()
    await pair.laptop.start()
    await everything(pair.phone.account)
    told = await pair.phone.account.events("daemon", change="history_received")
    assert len(told) == len(TEXTS)  # no page twice


async def test_a_receiver_that_is_stopped_in_the_middle_gets_the_rest_later(pair: Pair) -> None:
    with held_after(3):
        await pair.begin()
        await pair.phone.account.until(lambda db: len(texts(db)) == 3)
        await pair.phone.stop()
    pair.laptop.account.bell.ring()
    await pair.laptop.account.until(lambda db: pages_sent(db) == len(TEXTS))
    again = await pair.phone.start()
    await everything(again)


async def test_a_giver_that_is_stopped_before_its_first_page_begins_later(pair: Pair) -> None:
    await pair.phone.stop()
    await pair.begin()
    await pair.laptop.stop()
    await pair.laptop.start()
    again = await pair.phone.start()
    await everything(again)
