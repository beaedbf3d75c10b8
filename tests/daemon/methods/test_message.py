from pathlib import Path

import pytest

from tests.daemon.methods.house import BOB, House, house, message_by
from tests.support.people import NOW_MS


async def _texts(alice: House, **params: object) -> tuple[list[str], bool]:
    page = await alice.result("message.list", channel="ops", **params)
    return [message["text"] for message in page["messages"]], page["more"]


async def _filled(alice: House, count: int) -> list[int]:
    channel = await alice.channel(BOB)
    return [await alice.arrived(message_by(BOB, channel, f"{n}", sequence=n)) for n in range(count)]


async def test_the_newest_messages_are_listed_in_ascending_order(alice: House) -> None:
    await _filled(alice, 5)
    assert await _texts(alice, limit=2) == (["3", "4"], True)
    assert await _texts(alice) == (["0", "1", "2", "3", "4"], False)


async def test_pages_lead_forward_and_back(alice: House) -> None:
    cursors = await _filled(alice, 5)
    assert await _texts(alice, after=cursors[1], limit=2) == (["2", "3"], True)
    assert await _texts(alice, before=cursors[2], limit=1) == (["1"], True)
    assert await _texts(alice, after=cursors[4]) == ([], False)
    assert await _texts(alice, after=0, before=cursors[2]) == (["0", "1"], False)


async def test_a_page_is_longer_than_one_read(alice: House) -> None:
    await _filled(alice, 70)
    assert await _texts(alice, limit=65) == ([f"{n}" for n in range(5, 70)], True)
    assert (await _texts(alice, after=0, limit=65))[0] == [f"{n}" for n in range(65)]


async def test_a_page_of_long_messages_is_cut_and_says_so(tmp_path: Path) -> None:
    async with house(tmp_path, message_page_bytes=10) as small:
        await small.open()
        channel = await small.channel(BOB)
        for n in range(70):
            await small.arrived(message_by(BOB, channel, f"{n}", sequence=n))
        texts, more = await _texts(small, limit=500)
        assert (texts, more) == ([f"{n}" for n in range(38, 70)], True)


async def test_a_received_message_shows_who_and_where(alice: House) -> None:
    channel = await alice.channel(BOB)
    await alice.arrived(message_by(BOB, channel, "hello"))
    (listed,) = (await alice.result("message.list", channel="ops"))["messages"]
    assert await alice.result("message.show", message=listed["message"]) == listed
    assert (listed["from"], listed["from_card"]) == (BOB.identity, BOB.card.id.hex())
    assert (listed["mine"], listed["status"], listed["channel"]) == (False, None, channel.hex())


@pytest.mark.parametrize("method", ["message.show", "message.status"])
async def test_an_unknown_message_is_named(alice: House, method: str) -> None:
    error = await alice.error(method, message="0198f2c0-0000-7000-8000-000000000000")
    assert (error["kind"], error["field"]) == ("unknown_message", "message")
    assert (await alice.error(method, message="x"))["field"] == "message"


async def test_anothers_message_was_sent_received_and_read(alice: House) -> None:
    channel = await alice.channel(BOB)
    said = message_by(BOB, channel, "hello", sent_at_ms=NOW_MS - 5, received_at_ms=NOW_MS)
    await alice.arrived(said)
    (listed,) = (await alice.result("message.list", channel="ops"))["messages"]
    before = await alice.result("message.status", message=listed["message"])
    assert (before["status"], before["from"]) == ("delivered", BOB.identity)
    assert (before["sent_at_ms"], before["delivered_at_ms"]) == (NOW_MS - 5, NOW_MS)
    assert (before["read_at_ms"], before["recipients"]) == (None, [])
    await alice.result("message.mark_read", channel="ops", up_to=listed["message"])
    after = await alice.result("message.status", message=listed["message"])
    assert (after["status"], after["read_at_ms"]) == ("read", NOW_MS)
    assert [step["status"] for step in after["history"]] == ["sent", "delivered", "read"]


@pytest.mark.parametrize(
    ("field", "value"), [("limit", 0), ("limit", 501), ("before", 0), ("after", -1)]
)
async def test_pages_have_bounds(alice: House, field: str, value: int) -> None:
    error = await alice.error("message.list", channel="ops", **{field: value})
    assert (error["kind"], error["field"]) == ("invalid_params", field)
