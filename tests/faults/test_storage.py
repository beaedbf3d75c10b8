"""Full disks, damaged pages, torn logs and rolled-back files, with real processes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.disks import CannotMountError
from tests.faults.storage import (
    copy,
    daemon_event,
    digest,
    fill_disks,
    moved_frames,
    put_back,
    refuses_to_start,
    register,
    spoil,
    tear,
    tell,
)
from tests.faults.storm import StormSite, relay_integrity, vault_integrity
from tests.support.account import vault_of
from tests.support.processes import ProcessError
from tests.support.site import DaemonProcess


class Pair:
    """Be two members of one channel that talk when they are told to."""

    def __init__(self, site: StormSite, alice: DaemonProcess, bob: DaemonProcess) -> None:
        self.site = site
        self.alice = alice
        self.bob = bob
        self.channel = ""

    async def meet(self) -> None:
        made = await self.alice.client.channel_create("storage", [self.bob.identity])
        self.channel = made["channel"]
        await self.bob.joined(self.channel)

    async def texts(self, who: DaemonProcess) -> list[str | None]:
        return [message["text"] for message in await vault_of(who.client, self.channel)]


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with StormSite(tmp_path / "site") as site:
        await site.relay.start()
        alice, bob = site.daemon("alice"), site.daemon("bob")
        for daemon in (alice, bob):
            await register(site, daemon)
        both = Pair(site, alice, bob)
        await both.meet()
        yield both


def lines(first: int, last: int) -> list[str]:
    return [f"line {number} " + "x" * 600 for number in range(first, last)]


async def test_full_disks_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    try:
        found = await fill_disks(tmp_path, 0.7)
    except CannotMountError as error:
        pytest.skip(str(error))
    assert not found.violations
    assert found.said_while_relay_full > 0  # the daemons take messages all the while
    assert set(found.refusals) <= {"storage_full"}


async def test_a_damaged_vault_is_a_loud_stop_and_is_not_touched(pair: Pair) -> None:
    await tell(pair.alice, pair.channel, lines(0, 3))
    await pair.alice.stop()
    vault = pair.alice.data / "vault.db"
    spoil(vault)
    before = digest(vault)
    code, sentence = await refuses_to_start(pair.alice)
    assert code == 5
    assert "damaged" in sentence
    assert digest(vault) == before


async def test_a_damaged_relay_database_is_a_loud_stop_and_is_not_touched(pair: Pair) -> None:
    await tell(pair.alice, pair.channel, lines(0, 12))
    assert await pair.site.relay.process.stop() == 0
    database = pair.site.relay.folder / "relay.sqlite"
    spoil(database)
    before = digest(database)
    code, sentence = await refuses_to_start(pair.site.relay)
    assert code == 1
    assert "damaged" in sentence
    assert digest(database) == before


async def test_a_torn_log_opens_with_what_stands_before_the_tear_or_stops_loudly(
    pair: Pair,
) -> None:
    said = lines(0, 8)
    await tell(pair.alice, pair.channel, said)
    moved: dict[str, int] = {}
    for place, name in ((pair.alice, "data/vault.db-wal"), (pair.site.relay, "relay.sqlite-wal")):
        await place.process.kill()
        moved[name] = moved_frames(place.folder / name.removesuffix("-wal"))
        assert tear(place.folder / name)
    try:
        await pair.alice.start()
    except ProcessError as error:  # only where the file held a part of the log already
        if "the vault is damaged" not in str(error) or not moved["data/vault.db-wal"]:
            raise
    else:
        kept = await pair.texts(pair.alice)
        assert kept == said[: len(kept)]
        await pair.alice.stop()
        assert vault_integrity(pair.alice.data, pair.alice.passphrase.encode()) == "ok"
    await pair.site.relay.start()
    assert await pair.site.relay.process.stop() == 0
    assert relay_integrity(pair.site.relay.folder / "relay.sqlite") == "ok"


async def test_yesterday_s_vault_put_back_heals_and_uses_no_sequence_twice(
    pair: Pair, tmp_path: Path
) -> None:
    await tell(pair.alice, pair.channel, lines(0, 3))
    await pair.alice.stop()
    copy(pair.alice.data, tmp_path / "yesterday")
    await pair.alice.start()
    await tell(pair.alice, pair.channel, lines(3, 6))
    await pair.alice.stop()
    put_back(tmp_path / "yesterday", pair.alice.data)
    await pair.alice.start()
    await daemon_event(pair.alice, "sequence_recovered")
    await tell(pair.alice, pair.channel, lines(6, 8))
    assert sorted(await pair.texts(pair.alice), key=str) == lines(0, 8)
    assert await pair.texts(pair.bob) == lines(0, 8)


async def test_yesterday_s_relay_put_back_is_noticed(pair: Pair, tmp_path: Path) -> None:
    relay = pair.site.relay
    await tell(pair.alice, pair.channel, lines(0, 2))
    assert await relay.process.stop() == 0
    copy(relay.folder, tmp_path / "yesterday")
    await relay.start()
    await tell(pair.alice, pair.channel, lines(2, 4))
    assert await relay.process.stop() == 0
    put_back(tmp_path / "yesterday", relay.folder)
    await relay.start()
    for member in (pair.alice, pair.bob):
        await daemon_event(member, "relay_rolled_back")
