"""An older copy is put back: of a daemon's vault, or of the relay's store. Real engines, vaults, relay and sockets.

No sequence is used twice, nobody sees a fork, what can be had again is had again, and it is said what happened.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from peerpost_daemon.records import alarms, channels
from peerpost_daemon.vault.connection import SqlConnection
from tests.support.accounts import PATIENCE_SECONDS, RunningAccount, account
from tests.support.relay_server import running_relay

ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"


class Copies:
    """Be a folder with the relay's data and each one's vault; what stands still can be copied."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._port = 0

    def back_up(self, what: str) -> None:
        shutil.copytree(self.folder / what, self.folder / f"{what}.copy")

    def restore(self, what: str) -> None:
        shutil.rmtree(self.folder / what)
        (self.folder / f"{what}.copy").rename(self.folder / what)

    @asynccontextmanager
    async def serving(self, *people: str) -> AsyncIterator[list[RunningAccount]]:
        async with AsyncExitStack() as stack:
            relay = await stack.enter_async_context(
                running_relay(self.folder / "relay", port=self._port)
            )
            self._port = int(relay.url.rpartition(":")[2])
            found = [
                await stack.enter_async_context(account(self.folder / who, who, relay.url))
                for who in people
            ]
            for one in found:
                await one.online()
            yield found

    @asynccontextmanager
    async def alone(self, who: str) -> AsyncIterator[RunningAccount]:
        """Run somebody's daemon while there is no relay."""
        async with account(self.folder / who, who, f"ws://127.0.0.1:{self._port}") as one:
            yield one


def _mine(db: SqlConnection) -> list[tuple[bytes, int | None]]:
    rows = db.execute("SELECT body, sequence FROM message WHERE mine ORDER BY sequence")
    return rows.fetchall()


async def test_an_older_vault_gets_its_messages_back_and_goes_on_after_them(tmp_path: Path) -> None:
    copies = Copies(tmp_path)
    async with copies.serving(ALICE, BOB) as (alice, bob):
        channel = await alice.channel("ops", BOB)
        await bob.follows(channel)
        await alice.outgoing(await alice.send(channel, "one"), "sent")
    copies.back_up(ALICE)
    async with copies.serving(ALICE, BOB) as (alice, bob):
        for text in ("two", "three"):
            await alice.send(channel, text)
        await bob.shows(channel, "one", "two", "three")
    copies.restore(ALICE)
    async with copies.serving(ALICE, BOB) as (alice, bob):
        event = await alice.told("daemon", change="sequence_recovered")
        assert event["detail"] == "1 became 3"
        await alice.send(channel, "four")
        await bob.shows(channel, "one", "two", "three", "four")
        await alice.until(lambda db: len(_mine(db)) == 4)
        mine = await alice.read(_mine)
        assert mine == [(b"one", 1), (b"two", 2), (b"three", 3), (b"four", 4)]
        assert await bob.reasons() == await alice.reasons() == []
        assert [a.change for a in await alice.read(alarms.everything)] == ["sequence_recovered"]


async def test_what_still_waited_in_an_older_vault_is_not_sent_again(tmp_path: Path) -> None:
    copies = Copies(tmp_path)
    async with copies.serving(ALICE, BOB) as (alice, bob):
        channel = await alice.channel("ops", BOB)
        await bob.follows(channel)
    async with copies.alone(ALICE) as alice:
        sent = [await alice.send(channel, text) for text in ("one", "two")]
    copies.back_up(ALICE)
    async with copies.serving(ALICE, BOB) as (alice, bob):
        await bob.shows(channel, "one", "two")
    copies.restore(ALICE)
    async with copies.serving(ALICE, BOB) as (alice, bob):
        for sequence, message in enumerate(sent, 1):
            found = await alice.until(lambda db, m=message: _arrived(db, m))  # type: ignore[misc]
            assert found == sequence
        await alice.send(channel, "three")
        await bob.shows(channel, "one", "two", "three")
        assert await alice.events("message.status", status="failed") == []


def _arrived(db: SqlConnection, message: bytes) -> int | None:
    row = db.execute(
        "SELECT sequence FROM outbox WHERE message = ? AND state IN ('sent', 'delivered')",
        (message,),
    ).fetchone()
    return int(row[0]) if row else None


async def test_a_relay_that_lost_messages_is_noticed_and_sending_goes_on(tmp_path: Path) -> None:
    copies = Copies(tmp_path)
    async with copies.serving(ALICE, BOB, CAROL) as (alice, bob, carol):
        channel = await alice.channel("ops", BOB, CAROL)
        await alice.send(channel, "one")
        await bob.shows(channel, "one")
        await carol.shows(channel, "one")
    copies.back_up("relay")
    async with copies.serving(ALICE, BOB) as (alice, bob):
        for text in ("two", "three"):
            await alice.send(channel, text)
        await bob.shows(channel, "one", "two", "three")
        await alice.outgoing(await alice.send(channel, "four"), "sent")
        await bob.shows(channel, "one", "two", "three", "four")
    copies.restore("relay")
    async with copies.serving(ALICE, BOB, CAROL) as (alice, bob, carol):
        lost = await alice.told("daemon", change="relay_lost_messages")
        assert lost["detail"] == "3 messages of ours in ops, after 1; 3 sent again"
        row = await alice.outgoing(await alice.send(channel, "five"), "delivered")
        assert row.sequence == 5
        await bob.shows(channel, "one", "two", "three", "four", "five")
        assert await bob.reasons() == []
        await carol.shows(channel, "one", "two", "three", "four", "five")
        assert await carol.reasons() == []
    async with copies.serving(ALICE) as (alice,):
        assert len(await alice.events("daemon", change="relay_lost_messages")) == 1


async def test_what_is_gone_is_leapt_over_and_what_is_kept_goes_again(tmp_path: Path) -> None:
    copies = Copies(tmp_path)
    async with copies.serving(ALICE, BOB, CAROL) as (alice, bob, carol):
        channel = await alice.channel("ops", BOB, CAROL)
        await alice.outgoing(await alice.send(channel, "one"), "delivered")
    copies.back_up("relay")
    async with copies.serving(ALICE, BOB, CAROL) as (alice, bob, carol):
        await alice.outgoing(await alice.send(channel, "two"), "delivered")
    async with copies.serving(ALICE, BOB) as (alice, bob):
        three = await alice.send(channel, "three")
        await bob.shows(channel, "one", "two", "three")
        await alice.outgoing(three, "sent")
    copies.restore("relay")
    async with copies.serving(ALICE, BOB, CAROL) as (alice, bob, carol):
        lost = await alice.told("daemon", change="relay_lost_messages")
        assert lost["detail"] == "2 messages of ours in ops, after 1; 1 sent again"
        await alice.outgoing(three, "delivered")
        await alice.outgoing(await alice.send(channel, "four"), "delivered")
        for other in (bob, carol):
            await other.shows(channel, "one", "two", "three", "four")
            assert await other.reasons() == []


async def test_both_put_back_the_older_vault_is_brought_what_the_relay_has(tmp_path: Path) -> None:
    copies = Copies(tmp_path)
    async with copies.serving(ALICE, BOB) as (alice, bob):
        channel = await alice.channel("ops", BOB)
        await alice.outgoing(await alice.send(channel, "one"), "delivered")
    copies.back_up(ALICE)
    async with copies.serving(ALICE, BOB) as (alice, bob):
        await alice.outgoing(await alice.send(channel, "two"), "delivered")
    copies.back_up("relay")
    async with copies.serving(ALICE, BOB) as (alice, bob):
        await alice.outgoing(await alice.send(channel, "three"), "delivered")
    copies.restore("relay")
    async with copies.serving(ALICE, BOB) as (alice, bob):
        await alice.told("daemon", change="relay_lost_messages")
    copies.restore(ALICE)
    async with copies.serving(ALICE, BOB) as (alice, bob):
        event = await alice.told("daemon", change="sequence_claimed")
        assert "our envelope 3" in event["detail"]
        assert await bob.reasons() == []


async def _both_of_yesterday(copies: Copies) -> bytes:
    """Put vault and relay back to the same moment, after which alice said two and three; return the channel."""
    async with copies.serving(ALICE, BOB) as (alice, _):
        channel = await alice.channel("ops", BOB)
        await alice.outgoing(await alice.send(channel, "one"), "delivered")
    for what in (ALICE, "relay"):
        copies.back_up(what)
    async with copies.serving(ALICE, BOB) as (alice, _):
        for text in ("two", "three"):
            await alice.outgoing(await alice.send(channel, text), "delivered")
    for what in (ALICE, "relay"):
        copies.restore(what)
    return channel


async def test_both_put_back_to_one_moment_no_sequence_is_used_twice(tmp_path: Path) -> None:
    copies = Copies(tmp_path)
    channel = await _both_of_yesterday(copies)
    async with copies.alone(ALICE) as alice:
        four = await alice.send(channel, "four")
    async with copies.serving(BOB) as (bob,):
        await bob.told("daemon", change="relay_rolled_back")
        await _receipt_posted(bob, channel)
    async with copies.serving(ALICE, BOB) as (alice, bob):
        event = await alice.told("daemon", change="sequence_leapt")
        assert event["detail"] == f"1 became 3 in ops, by {BOB}"
        row = await alice.outgoing(four, "delivered")
        assert row.sequence == 4
        await bob.shows(channel, "one", "two", "three", "four")
        assert await bob.reasons() == []


async def test_a_sequence_used_twice_while_nobody_could_tell_is_never_taken_for_delivered(
    tmp_path: Path,
) -> None:
    copies = Copies(tmp_path)
    channel = await _both_of_yesterday(copies)
    async with copies.serving(ALICE) as (alice,):
        again = await alice.outgoing(await alice.send(channel, "again"), "sent")
        assert again.sequence == 2
    async with copies.serving(ALICE, BOB) as (alice, bob):
        await alice.told("daemon", change="sequence_leapt")
        row = await alice.outgoing(await alice.send(channel, "four"), "delivered")
        assert row.sequence == 4
        await bob.shows(channel, "one", "two", "three", "four")
        assert await bob.reasons() == ["fork"]
        assert (await alice.outgoing(again.message, "sent")).delivered_at_ms is None


async def test_a_relay_that_lost_a_change_of_members_gets_it_back_from_any_member(
    tmp_path: Path,
) -> None:
    copies = Copies(tmp_path)
    async with copies.serving(ALICE, BOB, CAROL) as (alice, bob, carol):
        channel = await alice.channel("ops", BOB)
        await alice.outgoing(await alice.send(channel, "one"), "delivered")
    copies.back_up("relay")
    async with copies.serving(ALICE, BOB, CAROL) as (alice, bob, carol):
        await alice.engine.channels.add(channel, [CAROL])
        await carol.follows(channel)
        await bob.until(lambda db: _members(db, channel) == 3)
        await alice.outgoing(await alice.send(channel, "two"), "delivered")
    copies.restore("relay")
    async with copies.serving(BOB, CAROL) as (bob, carol):  # not its author
        # Carol is a member by what was lost, so the relay takes it from Bob alone.
        await bob.told("daemon", change="roster_given_back")
        await bob.outgoing(await bob.send(channel, "three"), "sent")
        await carol.shows(channel, "two", "three")
    async with copies.serving(ALICE, BOB, CAROL) as (alice, bob, carol):
        row = await alice.outgoing(await alice.send(channel, "four"), "delivered")
        assert row.sequence == 3
        assert await alice.reasons() == await bob.reasons() == await carol.reasons() == []


async def test_a_channel_that_the_relay_lost_is_offered_again(tmp_path: Path) -> None:
    copies = Copies(tmp_path)
    async with copies.serving(ALICE, BOB):
        pass
    copies.back_up("relay")
    async with copies.serving(ALICE, BOB) as (alice, bob):
        channel = await alice.channel("ops", BOB)
        await alice.outgoing(await alice.send(channel, "one"), "delivered")
    copies.restore("relay")
    async with copies.serving(ALICE, BOB) as (alice, bob):
        await alice.told("daemon", change="roster_given_back")
        row = await alice.outgoing(await alice.send(channel, "two"), "delivered")
        assert row.sequence == 2
        await alice.outgoing(await alice.send(BOB, "directly"), "delivered")
        await bob.shows(channel, "one", "two")
        assert await alice.reasons() == await bob.reasons() == []


async def test_two_changes_of_one_place_are_a_fork_that_is_told(tmp_path: Path) -> None:
    copies = Copies(tmp_path)
    async with copies.serving(ALICE, BOB, CAROL) as (alice, bob, carol):
        channel = await alice.channel("ops", BOB)
        await bob.follows(channel)
    copies.back_up("relay")
    async with copies.serving(ALICE, CAROL) as (alice, carol):
        await alice.engine.channels.add(channel, [CAROL])
        await carol.follows(channel)
    copies.restore("relay")
    async with copies.serving(BOB) as (bob,):
        await bob.engine.channels.leave(channel)
    async with copies.serving(ALICE) as (alice,):
        event = await alice.told("daemon", change="roster_forked")
        assert event["detail"] == "ops, at or before change 1"


async def _receipt_posted(bob: RunningAccount, channel: bytes) -> None:
    """Wait until the relay has a receipt for what Bob has read again; no bell rings for that."""

    def posted(db: SqlConnection) -> bool:
        found = channels.find(db, channel)
        return found is not None and found.cursor > 1 and not channels.receipts_due(db, 1)

    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await bob.read(posted):  # noqa: ASYNC110  no bell rings for a receipt
            await asyncio.sleep(0)


def _members(db: SqlConnection, channel: bytes) -> int:
    found = channels.find(db, channel)
    return len(found.roster.members) if found else 0


async def test_what_others_sent_before_us_to_an_older_relay_is_not_passed_over(
    tmp_path: Path,
) -> None:
    copies = Copies(tmp_path)
    async with copies.serving(ALICE, BOB) as (alice, bob):
        channel = await alice.channel("ops", BOB)
        await alice.outgoing(await alice.send(channel, "one"), "delivered")
    copies.back_up("relay")
    async with copies.serving(ALICE, BOB) as (alice, bob):
        for text in ("two", "three"):
            await alice.outgoing(await alice.send(channel, text), "delivered")
    copies.restore("relay")
    async with copies.serving(ALICE) as (alice,):
        await alice.outgoing(await alice.send(channel, "four"), "sent")
    async with copies.serving(ALICE, BOB) as (alice, bob):
        await alice.outgoing(await alice.send(channel, "five"), "delivered")
        await bob.shows(channel, "one", "two", "three", "four", "five")
        assert await bob.reasons() == []
