"""channel.requests, accept, decline, consent and alias, and how names are resolved."""

import pytest

from peerpost_daemon.consent import Consent
from peerpost_daemon.records import channels, judgement, requests
from peerpost_daemon.records.channels import ChannelState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.frames import Item, ItemKind
from tests.daemon.methods.house import BOB, CAROL, House
from tests.support.people import NOW_MS


async def asked(house: House, name: str = "ops") -> bytes:
    """Store a request of Bob's with one item in it."""
    id_ = await house.channel(BOB, name=name, state=ChannelState.REQUESTED)

    def store(db: SqlConnection) -> None:
        found = channels.find(db, id_)
        assert found is not None
        requests.add(db, found.roster, BOB.identity, 1, NOW_MS)
        requests.keep(db, id_, Item(2, ItemKind.ENVELOPE, NOW_MS, b"sealed"))

    await house.daemon.write(store)
    return id_


async def test_requests_are_listed_beside_the_channels(alice: House) -> None:
    id_ = await asked(alice)
    (one,) = (await alice.result("channel.requests"))["requests"]
    assert (one["channel"], one["name"], one["inviter"]) == (id_.hex(), "ops", BOB.identity)
    assert (one["waiting"], one["bytes"], one["full"]) == (1, 6, False)
    assert (await alice.result("channel.list"))["channels"] == []
    assert (await alice.result("daemon.status"))["channels"] == 0


async def test_a_request_is_answered_by_name_or_id(alice: House) -> None:
    id_ = await asked(alice)
    await alice.channel(CAROL)  # which is called the same, and no request
    await alice.result("channel.accept", channel="ops")
    declined = await alice.result("channel.decline", channel=id_.hex()[:10], block=True)
    assert declined == {"channel": id_.hex(), "inviter": BOB.identity, "blocked": True}
    assert alice.plan.said == [
        ("accept channel", id_.hex()),
        ("decline channel", id_.hex(), "block"),
    ]


async def test_two_requests_of_one_name_are_ambiguous(alice: House) -> None:
    await asked(alice)
    id_ = await alice.channel(CAROL, state=ChannelState.REQUESTED)
    error = await alice.error("channel.accept", channel="ops")
    assert error["kind"] == "ambiguous_channel"
    assert id_.hex() in {candidate["channel"] for candidate in error["candidates"]}


async def test_nothing_is_sent_into_a_request(alice: House) -> None:
    id_ = await asked(alice)
    error = await alice.error("message.send", channel=id_.hex(), text="hello")
    assert error["kind"] == "not_accepted"
    assert (await alice.error("message.send", channel="ops", text="hello"))["kind"] == (
        "unknown_channel"
    )


async def test_consent_is_told_and_chosen(alice: House) -> None:
    assert await alice.result("channel.consent") == {"direct": "anyone", "groups": "anyone"}
    chosen = await alice.result("channel.consent", groups="contacts")
    assert chosen == {"direct": "anyone", "groups": "contacts"}
    await alice.result("channel.consent", direct="nobody")
    told = await alice.result("channel.consent")
    assert told == {"direct": "nobody", "groups": Consent.CONTACTS.value}


async def test_an_alias_names_a_channel_here_and_is_taken_back(alice: House) -> None:
    id_ = (await alice.channel(BOB, name="operations")).hex()
    named = await alice.result("channel.alias", channel="operations", alias=" night ")
    assert (named["channel"], named["name"], named["alias"]) == (id_, "operations", "night")
    assert (await alice.result("channel.show", channel="night"))["channel"] == id_
    assert (await alice.result("channel.show", channel="operations"))["channel"] == id_
    await alice.result("channel.alias", channel="night")
    assert (await alice.error("channel.show", channel="night"))["kind"] == "unknown_channel"


@pytest.mark.parametrize("alias", ["bob@example.org", "deadbeef", "a\nb", "  "])
async def test_an_alias_is_no_identity_and_no_id(alice: House, alias: str) -> None:
    await alice.channel(BOB)
    error = await alice.error("channel.alias", channel="ops", alias=alias)
    assert error["kind"] == "invalid_params"


async def test_one_alias_means_one_thing(alice: House) -> None:
    await alice.channel(BOB, name="one")
    await alice.channel(BOB, name="two")
    await alice.result("channel.alias", channel="one", alias="night")
    error = await alice.error("channel.alias", channel="two", alias="night")
    assert error["kind"] == "alias_taken"
    await alice.daemon.write(lambda db: judgement.name(db, BOB.identity, "bob", NOW_MS))
    error = await alice.error("channel.alias", channel="two", alias="bob")
    assert (error["kind"], error["taken_by"]) == ("alias_taken", BOB.identity)


async def test_a_message_goes_to_a_contact_by_its_name_here(alice: House) -> None:
    await alice.daemon.write(lambda db: judgement.name(db, BOB.identity, "bob", NOW_MS))
    sent = await alice.result("message.send", channel="bob", text="hello")
    assert sent["to"] == BOB.identity


async def test_a_contact_and_a_channel_of_one_name_are_ambiguous(alice: House) -> None:
    id_ = await alice.channel(CAROL, name="bob")
    await alice.daemon.write(lambda db: judgement.name(db, BOB.identity, "bob", NOW_MS))
    error = await alice.error("message.send", channel="bob", text="hello")
    assert error["kind"] == "ambiguous_channel"
    assert error["candidates"] == [{"identity": BOB.identity}, {"channel": id_.hex()}]
    assert await alice.waiting() == []


async def test_a_channel_that_was_left_makes_no_name_ambiguous(alice: House) -> None:
    await alice.channel(BOB, state=ChannelState.LEFT)
    ours = await alice.channel(CAROL)
    assert (await alice.result("channel.show", channel="ops"))["channel"] == ours.hex()
