"""Policies in the inbox: what a stricter one holds back waits, and is taken in its order when somebody decides."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon import kinship
from peerpost_daemon.inbound import releasing
from peerpost_daemon.inbound.opening import Recipient, Taking
from peerpost_daemon.records import contacts, judgement, lineage, policies
from peerpost_daemon.trust import Policy
from peerpost_daemon.vault.connection import SqlConnection
from tests.support.identities import begun, device, endorsed
from tests.support.people import NOW_MS, channel_of, person
from tests.support.receiving import Chain, Desk, open_desk

ALICE, BOB = person("alice"), person("bob")
PHONE = device("alice", "phone", ALICE)
OPS = channel_of(ALICE, BOB)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    opened = await open_desk(tmp_path, BOB, ALICE, PHONE)
    await opened.begin(OPS)
    await opened.write(_knows_phone)
    yield opened
    await opened.database.close()


def _knows_phone(db: SqlConnection) -> None:
    lineage.keep(db, endorsed(begun(), ALICE, PHONE))
    kinship.settle(db, ALICE.identity, BOB.card, NOW_MS)


async def _release(desk: Desk) -> None:
    me = Recipient(BOB.card, BOB.keys)
    while (these := await desk.read(releasing.releasable)).envelopes:
        opened = releasing.reopen(these, me)
        await desk.write(lambda db, o=opened: releasing.release(db, o, Taking(me, NOW_MS)))  # type: ignore[misc]


async def test_an_endorsed_card_speaks_at_once(desk: Desk) -> None:
    await desk.take(OPS, Chain(PHONE, OPS, BOB).next("hello"))
    assert await desk.texts() == ["hello"]


async def test_where_cards_are_pinned_an_endorsed_one_waits_for_somebody(desk: Desk) -> None:
    await desk.write(lambda db: policies.set_channel(db, OPS.id, Policy.PIN))
    chain = Chain(PHONE, OPS, BOB)
    await desk.take(OPS, chain.next("one"), chain.next("two"), Chain(ALICE, OPS, BOB).next("me"))
    assert (await desk.texts(), await desk.reasons()) == (["me"], ["untrusted_card"] * 2)
    await desk.write(lambda db: contacts.accept(db, ALICE.identity, None, NOW_MS))
    await _release(desk)
    assert await desk.texts() == ["me", "one", "two"]


async def test_where_only_the_verified_speak_a_verification_releases(desk: Desk) -> None:
    await desk.write(lambda db: policies.set_default(db, Policy.VERIFIED_ONLY))
    await desk.take(OPS, Chain(ALICE, OPS, BOB).next("one"), Chain(PHONE, OPS, BOB).next("two"))
    assert (await desk.texts(), await desk.reasons()) == ([], ["unverified_contact"] * 2)
    await desk.write(lambda db: judgement.verify(db, ALICE.identity, NOW_MS))
    await _release(desk)
    assert await desk.texts() == ["one", "two"]


@pytest.mark.parametrize("policy", [Policy.PIN, Policy.VERIFIED_ONLY])
async def test_nothing_is_sealed_to_whom_a_policy_holds_back(desk: Desk, policy: Policy) -> None:
    await desk.write(lambda db: policies.set_contact(db, ALICE.identity, policy, NOW_MS))
    usable = await desk.read(lambda db: contacts.usable(db, ALICE.identity, OPS.id))
    assert PHONE.card not in usable
