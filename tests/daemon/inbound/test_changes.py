"""Changes of messages as they arrive: who may, in which order, and what stays."""

import pytest

from peerpost_daemon.records import changes, early, messages, reactions
from peerpost_protocol.content import Body, Deletion, Edit, Reaction
from tests.daemon.inbound.conftest import ALICE, BOB, CAROL, OPS
from tests.support.people import Channel, digest, removed
from tests.support.receiving import Chain, Desk

HELLO = digest("alice@example.org hello")[:16]


@pytest.fixture
def alice_says() -> Chain:
    return Chain(ALICE, OPS, BOB)


@pytest.fixture
def carol_says() -> Chain:
    return Chain(CAROL, OPS, BOB)


def reaction(emoji: str = "+1", *, withdrawn: bool = False) -> Reaction:
    return Reaction(HELLO, ALICE.identity, emoji, withdrawn)


async def put(desk: Desk) -> list[reactions.Reaction]:
    return (await desk.read(lambda db: reactions.of(db, [1]))).get(1, [])


async def test_an_edit_by_its_author_replaces_the_text(desk: Desk, alice_says: Chain) -> None:
    await desk.take(OPS, alice_says.next("hello"), alice_says.next("e", body=Edit(HELLO, "bye")))
    assert await desk.texts() == ["bye"]
    assert await desk.reasons() == []


async def test_an_edit_of_anothers_message_waits_for_one_of_its_sender_and_changes_nothing(
    desk: Desk, alice_says: Chain, carol_says: Chain
) -> None:
    forged = carol_says.next("e", body=Edit(HELLO, "I owe carol 100"))
    await desk.take(OPS, alice_says.next("hello"), forged)
    assert await desk.texts() == ["hello"]


async def test_a_member_may_not_delete_what_another_wrote(
    desk: Desk, alice_says: Chain, carol_says: Chain
) -> None:
    forged = carol_says.next("d", body=Deletion(HELLO, ALICE.identity))
    await desk.take(OPS, alice_says.next("hello"), forged, alice_says.next("good"))
    assert await desk.texts() == ["hello", "good"]
    assert await desk.reasons() == ["not_the_author"]


async def test_an_owner_deletes_as_moderation(
    desk: Desk, alice_says: Chain, carol_says: Chain
) -> None:
    said = digest("carol@example.org spam")[:16]
    moderation = Deletion(said, CAROL.identity)
    await desk.take(OPS, carol_says.next("spam"), alice_says.next("d", body=moderation))
    found = await desk.read(lambda db: messages.find(db, said))
    assert found is not None
    assert (found.message.body, found.message.deleted_by) == (b"", ALICE.identity)


async def test_who_was_removed_deletes_nothing(
    desk: Desk, alice_says: Chain, carol_says: Chain
) -> None:
    await desk.take(OPS, carol_says.next("mine"), alice_says.next("hello"))
    without = removed(OPS, ALICE, CAROL)
    late = carol_says.next(
        "d", body=Deletion(digest("carol@example.org mine")[:16], CAROL.identity)
    )
    await desk.take(OPS, without.events[-1], late)
    assert await desk.texts() == ["mine", "hello"]
    assert await desk.reasons() == ["stale_roster"]


async def test_reactions_are_put_once_and_taken_back(
    desk: Desk, alice_says: Chain, carol_says: Chain
) -> None:
    await desk.take(OPS, alice_says.next("hello"), carol_says.next("1", body=reaction()))
    await desk.take(OPS, carol_says.next("2", body=reaction()))
    assert await put(desk) == [reactions.Reaction("+1", (CAROL.identity,))]
    await desk.take(OPS, carol_says.next("3", body=reaction(withdrawn=True)))
    assert await put(desk) == []


@pytest.mark.parametrize("body", [Edit(HELLO, "bye"), Deletion(HELLO, ALICE.identity)])
async def test_a_change_waits_for_its_message(desk: Desk, alice_says: Chain, body: Body) -> None:
    first = alice_says.next("hello")
    await desk.take(OPS, alice_says.next("change", body=body), first)
    assert await desk.texts() == ["bye" if isinstance(body, Edit) else ""]


async def test_what_waits_has_a_bound(desk: Desk, carol_says: Chain) -> None:
    for n in range(early.MAX_OF_SENDER + 5):
        await desk.take(OPS, carol_says.next(f"{n}", body=reaction(f"{n}")))
    (held,) = await desk.read(lambda db: db.execute("SELECT count(*) FROM early").fetchone())
    assert held == early.MAX_OF_SENDER


async def test_what_waits_too_long_is_let_go(desk: Desk, carol_says: Chain) -> None:
    await desk.take(OPS, carol_says.next("1", body=reaction("1")))
    desk.now_ms += early.MAX_AGE_MS + 1
    await desk.take(OPS, carol_says.next("2", body=reaction("2")))
    (held,) = await desk.read(lambda db: db.execute("SELECT count(*) FROM early").fetchone())
    assert held == 1


async def test_the_edit_that_stands_last_in_the_stream_is_in_force(
    desk: Desk, alice_says: Chain
) -> None:
    await desk.take(OPS, alice_says.next("hello"))
    older, newer = desk.position + 1, desk.position + 2
    await desk.write(lambda db: changes.edit(db, 1, "newer", newer, desk.now_ms))
    edit = alice_says.next("e", body=Edit(HELLO, "older"))
    await desk.take_items(OPS, [desk.item(edit, older)])
    assert await desk.texts() == ["newer"]


async def test_changes_of_another_channel_do_not_count(
    desk: Desk, alice_says: Chain, ops: Channel
) -> None:
    await desk.take(ops, alice_says.next("hello"))
    await desk.write(lambda db: db.execute("UPDATE message SET channel = x'00'").rowcount)
    await desk.take(ops, alice_says.next("e", body=Edit(HELLO, "bye")))
    assert await desk.texts() == ["hello"]
