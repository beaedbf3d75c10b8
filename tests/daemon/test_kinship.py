"""Kinship: what descends from a known card is believed, what does not is a change, what ended is out."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.records import contacts, lineage, schema
from peerpost_daemon.trust import Step, Trust
from peerpost_daemon.vault.database import Database
from peerpost_protocol.history import Began
from peerpost_protocol.statement import Reason, Revoke
from tests.daemon.kinship_stage import ALICE, ME, Judge
from tests.support.identities import (
    after,
    begun,
    device,
    endorsed,
    revoked,
    ruled,
    stated,
    succeeded,
    successor,
)
from tests.support.people import NOW_MS, person

PHONE = device("alice", "phone", ALICE)
NEW = successor(ALICE)
EVE = person("alice", device="evil")


@pytest.fixture
async def judge(tmp_path: Path) -> AsyncIterator[Judge]:
    vault = await Database.open(tmp_path / "vault.db", bytes(32), schema.MIGRATIONS)
    yield Judge(vault)
    await vault.close()


async def test_what_a_known_card_endorsed_counts(judge: Judge) -> None:
    await judge.meets(ALICE)
    assert await judge.takes(endorsed(begun(), ALICE, PHONE))
    assert await judge.trust(ALICE, PHONE) == [Trust.PINNED, Trust.ENDORSED]
    assert (await judge.state(), await judge.reasons()) == ("pinned", ["endorsed_card"])


async def test_who_was_verified_stays_so_over_a_succession(judge: Judge) -> None:
    await judge.meets(ALICE)
    await judge.vault.write(lambda db: contacts.move(db, ALICE.identity, Step.VERIFY, NOW_MS))
    await judge.takes(succeeded(begun(), ALICE, NEW))
    assert await judge.trust(ALICE, NEW) == [Trust.ENDED, Trust.ENDORSED]
    assert await judge.state() == "verified"


async def test_a_relay_cannot_put_a_card_before_a_known_one(judge: Judge) -> None:
    """The relay begins the identity with its own card and lets that endorse the genuine one."""
    await judge.meets(ALICE)
    await judge.takes(endorsed(begun(EVE), EVE, ALICE))
    assert await judge.trust(EVE, ALICE) == [Trust.OFFERED, Trust.PINNED]
    assert await judge.state() == "changed"


async def test_an_identity_begun_anew_is_a_change(judge: Judge) -> None:
    await judge.meets(ALICE)
    history = after(begun(), ruled(begun(), ALICE, Revoke(Reason.UNSPECIFIED)))
    await judge.takes(after(history, Began(EVE.card.signed)))
    assert await judge.trust(ALICE, EVE) == [Trust.REVOKED, Trust.OFFERED]
    assert (await judge.state(), await judge.reasons()) == (
        "changed",
        ["another_card", "revoked_card"],
    )


@pytest.mark.parametrize(
    ("reason", "trust"), [(Reason.LOST, Trust.REVOKED), (Reason.RETIRED, Trust.ENDED)]
)
async def test_a_retired_card_still_shows_what_it_said_and_a_lost_one_does_not(
    judge: Judge, reason: Reason, trust: Trust
) -> None:
    history = endorsed(begun(), ALICE, PHONE)
    await judge.meets(ALICE)
    await judge.takes(history)
    await judge.takes(after(history, stated(history, ALICE, PHONE, Revoke(reason))))
    assert await judge.trust(PHONE) == [trust]
    assert await judge.vault.read(lambda db: contacts.usable(db, ALICE.identity)) == (ALICE.card,)


async def test_whom_a_revoked_card_endorsed_before_stays(judge: Judge) -> None:
    tablet = device("alice", "tablet", PHONE)
    history = endorsed(endorsed(begun(), ALICE, PHONE), PHONE, tablet)
    await judge.meets(ALICE)
    await judge.takes(revoked(history, ALICE, PHONE))
    assert await judge.trust(PHONE, tablet) == [Trust.REVOKED, Trust.ENDORSED]


async def test_an_accepted_card_stays_accepted(judge: Judge) -> None:
    await judge.meets(ALICE, PHONE)
    await judge.vault.write(lambda db: contacts.accept(db, ALICE.identity, None, NOW_MS))
    await judge.takes(endorsed(begun(), ALICE, PHONE))
    assert await judge.trust(ALICE, PHONE) == [Trust.PINNED, Trust.PINNED]


async def test_a_shorter_history_takes_nothing_back(judge: Judge) -> None:
    longer = endorsed(begun(), ALICE, PHONE)
    await judge.meets(ALICE)
    await judge.takes(longer)
    assert not await judge.takes(begun())
    assert await judge.vault.read(lambda db: lineage.find(db, ALICE.identity)) == longer


async def test_ones_own_devices_are_those_that_vouched_for_this_one_and_theirs(
    judge: Judge,
) -> None:
    judge.me = PHONE
    tablet = device("alice", "tablet", ALICE)
    history = endorsed(endorsed(begun(), ALICE, PHONE), ALICE, tablet)
    await judge.takes(history)
    assert await judge.trust(ALICE, PHONE, tablet) == [
        Trust.ENDORSED,
        Trust.PINNED,
        Trust.ENDORSED,
    ]


async def test_a_device_that_nobody_approved_believes_no_other(judge: Judge) -> None:
    judge.me = PHONE
    await judge.takes(begun())
    assert await judge.trust(ALICE) == [None]


async def test_a_device_that_was_approved_finds_its_own_identity_unchanged(judge: Judge) -> None:
    judge.me = PHONE
    await judge.takes(begun())
    await judge.takes(endorsed(begun(), ALICE, PHONE))
    assert await judge.trust(ALICE) == [Trust.ENDORSED]
    assert (await judge.state(), await judge.reasons()) == ("verified", ["endorsed_card"])


async def test_all_devices_of_a_contact_are_pinned_at_first_sight(judge: Judge) -> None:
    """The second device and the first one's successor descend from no common card that is alive."""
    await judge.keeps(succeeded(endorsed(begun(), ALICE, PHONE), ALICE, NEW))
    await judge.meets(PHONE, NEW)
    assert await judge.trust(ALICE, PHONE, NEW) == [Trust.ENDED, Trust.PINNED, Trust.PINNED]
    assert (await judge.state(), await judge.reasons()) == ("pinned", [])


async def test_a_card_that_is_no_kin_is_a_change_at_first_sight(judge: Judge) -> None:
    await judge.keeps(begun())
    await judge.meets(ALICE, EVE)
    assert await judge.trust(ALICE, EVE) == [Trust.PINNED, Trust.OFFERED]
    assert (await judge.state(), await judge.reasons()) == ("changed", ["another_card"])


async def test_where_fingerprints_are_listed_kin_of_a_card_are_not_pinned(judge: Judge) -> None:
    await judge.keeps(succeeded(endorsed(begun(), ALICE, PHONE), ALICE, NEW))
    await judge.lists(PHONE)
    await judge.meets(PHONE, NEW)
    assert await judge.trust(PHONE, NEW) == [Trust.PINNED, Trust.OFFERED]


async def test_ones_own_identity_is_no_contact(judge: Judge) -> None:
    judge.me = ME
    await judge.takes(begun(ME))
    assert await judge.trust(ME) == [Trust.PINNED]
