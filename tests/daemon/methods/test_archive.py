from typing import Any

import pytest

from tests.daemon.methods.house import BOB, House, message_by
from tests.support.people import NOW_MS


async def _exported(alice: House, channel: str = "ops") -> list[dict[str, Any]]:
    found, page = list[dict[str, Any]](), dict[str, str]()
    while True:
        part = await alice.result("message.export", channel=channel, **page)
        found += part["messages"]
        if part["next"] is None:
            return found
        page = {"page": part["next"]}


async def test_an_export_is_all_of_a_channel_in_its_order(alice: House) -> None:
    channel = await alice.channel(BOB)
    for n in range(230):
        await alice.arrived(message_by(BOB, channel, f"{n}", sequence=n))
    assert [message["text"] for message in await _exported(alice)] == [f"{n}" for n in range(230)]


async def test_what_is_imported_is_shown_so_and_once(alice: House) -> None:
    channel = await alice.channel(BOB)
    await alice.arrived(message_by(BOB, channel, "hello", title="Hi"))
    exported = await _exported(alice)
    await alice.daemon.write(lambda db: db.execute("DELETE FROM message").rowcount)
    done = await alice.result("message.import", channel="ops", messages=exported + exported)
    assert done == {"imported": 1, "skipped": 1}
    (back,) = await _exported(alice)
    assert (back["text"], back["imported"], back["position"]) == ("hello", True, None)


async def test_the_true_message_takes_the_place_of_an_imported_one(alice: House) -> None:
    channel = await alice.channel(BOB)
    true = message_by(BOB, channel, "hello")
    await alice.arrived(true)
    (exported,) = await _exported(alice)
    await alice.daemon.write(lambda db: db.execute("DELETE FROM message").rowcount)
    forged = exported | {"text": "I owe you 100"}
    await alice.result("message.import", channel="ops", messages=[forged])
    await alice.arrived(true)
    (shown,) = await _exported(alice)
    assert (shown["text"], shown["imported"]) == ("hello", False)


async def test_an_imported_message_answers_no_request(alice: House) -> None:
    channel = await alice.channel(BOB)
    await alice.arrived(message_by(BOB, channel, "hello"))
    (exported,) = await _exported(alice)
    await alice.daemon.write(lambda db: db.execute("DELETE FROM message").rowcount)
    await alice.result("message.import", channel="ops", messages=[exported | {"answers": "x"}])
    (shown,) = await _exported(alice)
    assert shown["answers"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at_ms": NOW_MS},
        {"deleted_at_ms": 1},
        {"kind": "file"},
    ],
)
async def test_what_cannot_be_stored_is_skipped(alice: House, changes: dict[str, Any]) -> None:
    channel = await alice.channel(BOB)
    await alice.arrived(message_by(BOB, channel, "hello"))
    (exported,) = await _exported(alice)
    await alice.daemon.write(lambda db: db.execute("DELETE FROM message").rowcount)
    done = await alice.result("message.import", channel="ops", messages=[exported | changes])
    assert done == {"imported": 0, "skipped": 1}


async def test_what_is_kept_is_set_shown_and_taken_back(alice: House) -> None:
    channel = (await alice.channel(BOB)).hex()
    kept = await alice.result("message.retention", channel="ops", max_age=60, max_count=9)
    assert kept == {"channel": channel, "max_age": 60.0, "max_count": 9}
    assert await alice.result("message.retention", channel="ops") == kept
    free = await alice.result("message.retention", channel="ops", forever=True)
    assert free == {"channel": channel, "max_age": None, "max_count": None}
