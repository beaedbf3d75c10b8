"""Being added asks for consent: a request waits unseen until it is accepted or declined."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from peerpost_daemon.consent import Consent
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import channels, consents, contacts, requests
from peerpost_daemon.records.channels import ChannelState
from peerpost_daemon.records.requests import Waiting
from peerpost_daemon.trust import ContactState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.roster import Rename
from tests.support.accounts import RunningAccount, account
from tests.support.relay_server import running_relay

ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"


class Town:
    """Be a relay and the accounts on it."""

    def __init__(self, url: str, folder: Path, stack: AsyncExitStack) -> None:
        self.url, self.folder, self.stack = url, folder, stack

    async def account(self, identity: str, consent: Consent = Consent.ANYONE) -> RunningAccount:
        """Begin an account that is added as `consent` says."""
        made = await self.stack.enter_async_context(
            account(self.folder / identity, identity, self.url)
        )
        await made.database.write(lambda db: consents.choose(db, consent, consent))
        await made.online()
        return made


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(running_relay(tmp_path / "relay"))
        yield Town(relay.url, tmp_path, stack)


def waiting(db: SqlConnection) -> list[Waiting]:
    return requests.everything(db)


def state_of(channel: bytes, db: SqlConnection) -> ChannelState | None:
    found = channels.find(db, channel)
    return found.state if found else None


async def waits(who: RunningAccount, items: int) -> Waiting:
    """Return the only request once so many items wait in it."""
    (one,) = await who.until(lambda db: [w for w in waiting(db) if w.items >= items])
    return one


async def test_what_is_sent_waits_unseen_and_is_shown_in_order_once_accepted(town: Town) -> None:
    alice, bob = await town.account(ALICE), await town.account(BOB, Consent.CONTACTS)
    id_ = await alice.channel("ops", BOB)
    rows = [await alice.send(id_, text) for text in ("one", "two")]
    await alice.engine.channels.change(id_, Rename("night"))
    rows.append(await alice.send(id_, "three"))
    one = await waits(bob, 4)
    assert (one.channel, one.inviter, one.full) == (id_, ALICE, False)
    assert (await bob.texts(id_), await bob.events("message")) == ([], [])
    assert await bob.read(lambda db: contacts.find(db, ALICE)) is None
    await bob.told("channel", change="requested", by=ALICE)
    for row in rows:
        assert (await alice.outgoing(row, "sent")).delivered_at_ms is None
    await bob.engine.requests.accept(id_)
    assert await bob.texts(id_) == ["one", "two", "three"]
    for row in rows:
        await alice.outgoing(row, "delivered")
    assert await bob.reasons() == []
    assert (await bob.follows(id_)).name == "night"
    await alice.send(id_, "four")
    await bob.shows(id_, "one", "two", "three", "four")
    await bob.send(id_, "back")
    await alice.shows(id_, "back")


async def test_a_request_survives_a_restart(town: Town) -> None:
    alice = await town.account(ALICE)
    async with AsyncExitStack() as stack:
        first = Town(town.url, town.folder, stack)
        bob = await first.account(BOB, Consent.CONTACTS)
        id_ = await alice.channel("ops", BOB)
        await alice.send(id_, "before")
        await waits(bob, 1)
    await alice.send(id_, "meanwhile")
    bob = await town.account(BOB, Consent.CONTACTS)
    await waits(bob, 2)
    await bob.engine.requests.accept(id_)
    assert await bob.texts(id_) == ["before", "meanwhile"]
    assert await bob.reasons() == []


async def test_a_full_request_keeps_its_beginning_and_the_relay_brings_the_rest(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MAX_ITEMS", 2)
    alice, bob = await town.account(ALICE), await town.account(BOB, Consent.NOBODY)
    id_ = await alice.channel("ops", BOB)
    texts = ["one", "two", "three", "four"]
    for text in texts:
        await alice.outgoing(await alice.send(id_, text), "sent")
    await bob.until(lambda db: [w for w in waiting(db) if w.full])
    assert (await bob.read(waiting))[0].items == 2
    await bob.engine.requests.accept(id_)
    await bob.shows(id_, *texts)
    assert await bob.reasons() == []


async def test_a_declined_channel_is_left_and_nothing_of_it_stays(town: Town) -> None:
    alice, bob = await town.account(ALICE), await town.account(BOB, Consent.CONTACTS)
    id_ = await alice.channel("ops", BOB)
    await alice.send(id_, "hello")
    await waits(bob, 1)
    await bob.engine.requests.decline(id_, block=False)
    assert BOB not in (await alice.follows(id_, 1)).members
    await bob.until(lambda db: state_of(id_, db) is None)
    assert await bob.read(waiting) == []


async def test_who_blocks_the_inviter_is_asked_no_more(town: Town) -> None:
    alice, bob = await town.account(ALICE), await town.account(BOB, Consent.CONTACTS)
    id_ = await alice.channel("ops", BOB)
    await waits(bob, 0)
    assert await bob.engine.requests.decline(id_, block=True) == ALICE
    assert await bob.read(lambda db: contacts.state(db, ALICE)) is ContactState.BLOCKED
    again = await alice.channel("again", BOB)
    assert BOB not in (await alice.follows(again, 1)).members
    assert len(await bob.events("channel", change="requested")) == 1


async def test_contacts_are_taken_without_asking(town: Town) -> None:
    alice, bob = await town.account(ALICE), await town.account(BOB, Consent.CONTACTS)
    await bob.send(ALICE, "hello alice")
    await alice.until(lambda db: channels.direct(db, BOB))
    id_ = await alice.channel("ops", BOB)
    await bob.follows(id_)
    assert await bob.read(waiting) == []


async def test_a_mere_request_makes_nobody_a_contact(town: Town) -> None:
    alice, bob = await town.account(ALICE), await town.account(BOB, Consent.CONTACTS)
    for name in ("one", "two"):
        await alice.channel(name, BOB)
    await bob.until(lambda db: len(waiting(db)) == 2)


async def test_a_first_direct_message_waits_too_and_an_answer_accepts_it(town: Town) -> None:
    alice, bob = await town.account(ALICE), await town.account(BOB, Consent.CONTACTS)
    said = await alice.send(BOB, "hello bob")
    one = await waits(bob, 1)
    assert (await alice.outgoing(said, "sent")).delivered_at_ms is None
    await bob.send(ALICE, "hello alice")
    await alice.shows(one.channel, "hello alice")
    assert await bob.texts(one.channel) == ["hello bob"]
    await alice.outgoing(said, "delivered")


async def test_a_declined_conversation_is_passed_over_until_one_writes_oneself(town: Town) -> None:
    alice, bob = await town.account(ALICE), await town.account(BOB, Consent.CONTACTS)
    await alice.send(BOB, "hello bob")
    one = await waits(bob, 1)
    await bob.engine.requests.decline(one.channel, block=False)
    await alice.outgoing(await alice.send(BOB, "are you there"), "sent")
    await bob.send(ALICE, "now i am")
    await alice.shows(one.channel, "now i am")
    await alice.send(BOB, "good")
    await bob.until(lambda db: channels.direct(db, ALICE))
    await bob.shows(one.channel, "good")


async def test_who_has_left_is_asked_before_coming_back(town: Town) -> None:
    alice, bob = await town.account(ALICE), await town.account(BOB)
    id_ = await alice.channel("ops", BOB)
    await bob.follows(id_)
    await alice.send(id_, "first")
    await bob.shows(id_, "first")
    await bob.engine.channels.leave(id_)
    await alice.follows(id_, 1)
    await alice.engine.channels.add(id_, [BOB])
    await alice.send(id_, "come back")
    await waits(bob, 1)
    assert await bob.texts(id_) == ["first"]
    await bob.engine.requests.accept(id_)
    assert await bob.texts(id_) == ["first", "come back"]
    assert await bob.reasons() == []


async def test_what_is_no_request_is_neither_accepted_nor_declined(town: Town) -> None:
    alice, bob = await town.account(ALICE), await town.account(BOB)
    id_ = await alice.channel("ops", BOB)
    await bob.follows(id_)
    await bob.engine.requests.accept(id_)  # it is ours: that is so already
    with pytest.raises(DaemonError) as caught:
        await bob.engine.requests.decline(id_, block=True)
    assert caught.value.kind == "not_a_member"
    with pytest.raises(DaemonError) as caught:
        await bob.engine.requests.accept(bytes(32))
    assert caught.value.kind == "unknown_channel"


async def test_removed_while_waiting_is_a_request_no_more(town: Town) -> None:
    alice, bob = await town.account(ALICE), await town.account(BOB, Consent.NOBODY)
    id_ = await alice.channel("ops", BOB)
    await alice.send(id_, "hello")
    await waits(bob, 1)
    await alice.engine.channels.remove(id_, [BOB])
    await bob.until(lambda db: not waiting(db))
    assert await bob.read(lambda db: state_of(id_, db)) is None
