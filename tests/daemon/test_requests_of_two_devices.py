"""What one device of an identity answers to a request holds for its other devices."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from msgspec import Struct

from peerpost_daemon.consent import Consent
from peerpost_daemon.inbound.admitting import accepted_elsewhere
from peerpost_daemon.link_code import code_of
from peerpost_daemon.records import consents, contacts
from peerpost_protocol.card import Card
from peerpost_protocol.receipt import Receipt, ReceiptBody
from peerpost_protocol.signing import Signed
from tests.daemon.test_requests import ALICE, BOB, Town, state_of, waiting, waits
from tests.support.accounts import RunningAccount, account
from tests.support.people import NOW_MS, person
from tests.support.relay_server import running_relay


class Scene(Struct):
    """Be alice, whom bob does not know, and bob's two devices, each of which knows the other."""

    alice: RunningAccount
    laptop: RunningAccount
    phone: RunningAccount
    away: AsyncExitStack

    async def asked(self) -> bytes:
        """Let alice add bob to a channel; return its id once it waits on both devices."""
        id_ = await self.alice.channel("ops", BOB)
        assert len((await self.alice.follows(id_)).members[BOB].cards) == 2
        await self.alice.outgoing(await self.alice.send(id_, "hello"), "sent")
        for device in (self.laptop, self.phone):
            await waits(device, 1)
        return id_


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(running_relay(tmp_path / "relay"))
        town = Town(relay.url, tmp_path, stack)
        laptop = await town.account(BOB, Consent.CONTACTS)
        away = await stack.enter_async_context(AsyncExitStack())
        phone = await away.enter_async_context(
            account(tmp_path / "phone", BOB, relay.url, endorser=laptop.card.id)
        )
        await phone.database.write(
            lambda db: consents.choose(db, Consent.CONTACTS, Consent.CONTACTS)
        )
        await phone.online()
        await laptop.engine.devices.approve(code_of(phone.card.id))
        for one, other in ((laptop, phone), (phone, laptop)):
            await one.until(lambda db, other=other: other.card in contacts.usable(db, BOB))  # type: ignore[misc]
        yield Scene(await town.account(ALICE), laptop, phone, away)


async def test_what_one_device_accepts_the_other_shows(scene: Scene) -> None:
    id_ = await scene.asked()
    await scene.laptop.engine.requests.accept(id_)
    await scene.phone.shows(id_, "hello")
    await scene.phone.told("channel", change="accepted")
    assert await scene.phone.read(waiting) == []
    await scene.alice.send(id_, "again")
    await scene.phone.shows(id_, "hello", "again")


async def test_what_one_device_declines_is_gone_on_the_other(scene: Scene) -> None:
    id_ = await scene.asked()
    await scene.laptop.engine.requests.decline(id_, block=False)
    await scene.phone.until(lambda db: state_of(id_, db) is None)
    assert await scene.phone.read(waiting) == []


async def test_what_was_accepted_while_a_device_was_away_is_shown_when_it_is_back(
    scene: Scene, tmp_path: Path
) -> None:
    id_ = await scene.asked()
    await scene.away.aclose()
    await scene.laptop.engine.requests.accept(id_)
    await scene.laptop.shows(id_, "hello")
    url = scene.laptop.engine.link_status.url
    async with account(tmp_path / "phone", BOB, url) as phone:
        await phone.shows(id_, "hello")


async def test_a_card_that_says_it_is_ours_accepts_nothing(scene: Scene) -> None:
    id_ = await scene.asked()
    evil = person("bob", device="evil").card

    async def accepts(card: Card) -> bool:
        receipt = Receipt(ReceiptBody(id_, card.id, 1, NOW_MS, ()), card, Signed(b"", b""))
        return await scene.phone.read(lambda db: accepted_elsewhere(db, receipt, scene.phone.card))

    assert evil.identity == BOB
    for card in (evil, scene.phone.card, scene.alice.card):
        assert not await accepts(card)
    assert await accepts(scene.laptop.card)
