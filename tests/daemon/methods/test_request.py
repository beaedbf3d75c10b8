"""Requests and answers, schedules, presentations, threads: message.send and what it leads to."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from peerpost_daemon.records import outbox
from tests.daemon.methods.house import BOB, CAROL, House, message_by
from tests.support.people import NOW_MS

NEVER = "0198f2c0-0000-7000-8000-000000000000"


async def _asked(alice: House, **more: Any) -> tuple[asyncio.Task[Any], bytes, bytes]:
    """Return the call that waits, the request's id and its channel."""
    channel = await alice.channel(BOB, CAROL)
    call = asyncio.create_task(
        alice.ask("message.send", channel="ops", text="well?", expect_reply=True, **more)
    )
    while not (waiting := await alice.waiting()):
        await alice.daemon.write(lambda _: None)  # a turn of the vault, in which it is queued
    return call, waiting[0].message, channel


async def _answer(alice: House, channel: bytes, request: bytes, who: Any, text: str) -> None:
    await alice.daemon.write(lambda db: db.execute("UPDATE outbox SET state = 'sent'").rowcount)
    await alice.arrived(message_by(who, channel, text, request=request, answers=True))


async def test_a_request_waits_for_its_answers(alice: House) -> None:
    call, request, channel = await _asked(alice, responses=2)
    await _answer(alice, channel, request, BOB, "yes")
    await _answer(alice, channel, request, BOB, "yes, again")  # the first of each counts
    assert not call.done()
    await _answer(alice, channel, request, CAROL, "no")
    found = (await call)["result"]["answers"]
    assert [(answer["from"], answer["text"]) for answer in found] == [
        (BOB.identity, "yes"),
        (CAROL.identity, "no"),
    ]


async def test_answers_that_came_in_time_are_told_with_the_timeout(alice: House) -> None:
    call, request, channel = await _asked(alice, responses=2, timeout=0.2)
    await _answer(alice, channel, request, BOB, "yes")
    error = (await call)["error"]["data"]
    assert (error["kind"], [one["text"] for one in error["answers"]]) == ("timeout", ["yes"])


async def test_a_request_that_fails_waits_no_longer(alice: House) -> None:
    call, request, _ = await _asked(alice, timeout=60)
    await alice.move(request.hex(), "failed", "expired")
    error = (await call)["error"]["data"]
    assert (error["kind"], error["reason"]) == ("delivery_failed", "expired")


async def test_an_answer_of_another_channel_does_not_count(alice: House) -> None:
    call, request, _ = await _asked(alice, timeout=0.1)
    elsewhere = await alice.channel(BOB, name="dev")
    await _answer(alice, elsewhere, request, BOB, "yes")
    assert (await call)["error"]["data"]["answers"] == []


async def test_an_answer_goes_where_it_was_asked(alice: House) -> None:
    channel = await alice.channel(BOB)
    asked = message_by(BOB, channel, "well?")
    asked = message_by(BOB, channel, "well?", request=asked.id)
    await alice.arrived(asked)
    (shown,) = (await alice.result("message.list", channel="ops"))["messages"]
    assert shown["expects_reply"] is True
    sent = await alice.result("message.send", answers=shown["message"], text="yes")
    answer = await alice.result("message.show", message=sent["message"])
    assert (answer["channel"], answer["answers"]) == (channel.hex(), shown["message"])
    assert (answer["reply_to"], answer["thread"]) == (shown["message"], shown["message"])


async def test_only_a_request_is_answered(alice: House) -> None:
    channel = await alice.channel(BOB)
    await alice.arrived(message_by(BOB, channel, "hello"))
    (shown,) = (await alice.result("message.list", channel="ops"))["messages"]
    error = await alice.error("message.send", answers=shown["message"], text="yes")
    assert (error["kind"], error["field"]) == ("invalid_params", "answers")
    error = await alice.error("message.send", answers=NEVER, text="yes")
    assert error["kind"] == "unknown_message"


async def test_how_it_wants_to_be_shown_is_kept(alice: House) -> None:
    await alice.channel(BOB)
    asked = {
        "title": "Disk",
        "priority": "max",
        "tags": ["disk", "db1"],
        "mentions": [BOB.identity],
        "markdown": True,
    }
    sent = await alice.result("message.send", channel="ops", text="*full*", **asked)
    shown = await alice.result("message.show", message=sent["message"])
    assert {name: shown[name] for name in asked} == asked


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "x" * 251),
        ("title", "a\x1b[2J"),
        ("priority", "urgent"),
        ("tags", ["x"] * 17),
        ("tags", ["a\nb"]),
        ("mentions", ["nobody"]),
        ("send_at", "tomorrow"),
        ("send_at", "2026-11-22T15:00:00"),
        ("send_at", "0001-01-01T00:00:00Z"),
        ("responses", 0),
    ],
)
async def test_what_has_no_such_form_is_named(alice: House, field: str, value: object) -> None:
    await alice.channel(BOB)
    error = await alice.error("message.send", channel="ops", text="x", **{field: value})
    assert error["kind"] == "invalid_params"


async def test_a_scheduled_message_waits_for_its_time(alice: House) -> None:
    await alice.channel(BOB)
    due_ms = 1_893_456_000_000
    sent = await alice.result(
        "message.send",
        channel="ops",
        text="later",
        send_at="2030-01-01T00:00:00Z",
        expires_in=60,
    )
    shown = await alice.result("message.show", message=sent["message"])
    assert (shown["sent_at_ms"], shown["expires_at_ms"]) == (due_ms, due_ms + 60_000)
    early = await alice.daemon.read(lambda db: outbox.waiting(db, 0, 10, due_ms - 1))
    due = await alice.daemon.read(lambda db: outbox.waiting(db, 0, 10, due_ms))
    assert (early, len(due)) == ([], 1)
    assert await alice.daemon.read(lambda db: outbox.next_due(db, NOW_MS)) == due_ms


async def test_a_list_is_narrowed_by_thread_sender_and_time(alice: House) -> None:
    channel = await alice.channel(BOB, CAROL)
    first = message_by(BOB, channel, "first", sent_at_ms=NOW_MS - 5000)
    await alice.arrived(first)
    await alice.arrived(message_by(CAROL, channel, "answer", reply_to=first.id))
    await alice.arrived(message_by(CAROL, channel, "other"))
    (one, _, _) = (await alice.result("message.list", channel="ops"))["messages"]

    async def listed(**params: object) -> list[str]:
        page = await alice.result("message.list", channel="ops", **params)
        return [message["text"] for message in page["messages"]]

    assert await listed(thread=one["message"]) == ["first", "answer"]
    assert await listed(sender=CAROL.identity) == ["answer", "other"]
    assert await listed(until="2025-06-15T15:06:36Z") == ["first"]
    assert await listed(since="2025-06-15T15:06:36Z", after=0) == ["answer", "other"]


async def test_an_answer_to_an_answer_is_in_the_thread_of_the_first_message(alice: House) -> None:
    channel = await alice.channel(BOB, CAROL)
    root = message_by(BOB, channel, "root")
    answer = message_by(CAROL, channel, "answer", reply_to=root.id)
    await alice.arrived(root)
    await alice.arrived(answer)
    await alice.arrived(message_by(CAROL, channel, "another root"))
    (first, second, _) = (await alice.result("message.list", channel="ops"))["messages"]
    sent = await alice.result("message.send", channel="ops", text="own", reply_to=second["message"])
    await alice.arrived(message_by(BOB, channel, "last", reply_to=UUID(sent["message"]).bytes))

    thread = await alice.result("message.list", channel="ops", thread=first["message"])
    assert [m["text"] for m in thread["messages"]] == ["root", "answer", "own", "last"]
    assert {m["thread"] for m in thread["messages"][1:]} == {first["message"]}
    assert thread["messages"][-1]["reply_to"] == sent["message"]


async def test_answers_that_come_before_what_they_answer_join_its_thread(alice: House) -> None:
    channel = await alice.channel(BOB, CAROL)
    root = message_by(BOB, channel, "root")
    answer = message_by(CAROL, channel, "answer", reply_to=root.id)
    await alice.arrived(message_by(BOB, channel, "last", reply_to=answer.id))
    await alice.arrived(answer)
    await alice.arrived(root)
    messages = (await alice.result("message.list", channel="ops"))["messages"]
    first = messages[-1]["message"]
    assert [m["thread"] for m in messages] == [first, first, None]
    thread = await alice.result("message.list", channel="ops", thread=first)
    assert [m["text"] for m in thread["messages"]] == ["last", "answer", "root"]


async def test_pages_lead_both_ways_by_their_cursors(alice: House) -> None:
    channel = await alice.channel(BOB)
    for n in range(5):
        await alice.arrived(message_by(BOB, channel, f"{n}", sequence=n))

    async def page(**params: object) -> tuple[list[str], Any]:
        found = await alice.result("message.list", channel="ops", limit=2, **params)
        return [message["text"] for message in found["messages"]], found

    texts, newest = await page()
    assert texts == ["3", "4"]
    texts, older = await page(page=newest["previous"])
    assert texts == ["1", "2"]
    assert (await page(page=older["next"]))[0] == ["3", "4"]
    texts, end = await page(page=newest["next"])
    assert (texts, end["more"]) == ([], False)
    assert end["next"] == newest["next"]


@pytest.mark.parametrize("cursor", ["", "x", "////", "khHDkhHD", "é", "wA", "kgHC" * 16])
async def test_what_is_no_page_is_named(alice: House, cursor: str) -> None:
    await alice.channel(BOB)
    error = await alice.error("message.list", channel="ops", page=cursor)
    assert (error["kind"], error["field"]) == ("invalid_params", "page")
