"""A local user with a narrow scope, or with one channel, wants what is beyond it.

Every method of the table is tried: by a caller without its scope; by one who is kept to channels where it reaches over
the account; and where it keeps to channels, for those of another. What comes back never holds a word of them, and what
is refused is logged without a word of what was asked. A new method is refused to bounded callers, and fails here, until
it says how far it reaches and how that was tried.
"""

import json
import logging
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from peerpost_daemon.methods.registry import registry_of
from peerpost_daemon.records import answers
from peerpost_daemon.rpc import Method, Reach, Scope
from tests.daemon.methods.house import BOB, CAROL, House, message_by
from tests.daemon.rpc.stage import request
from tests.daemon.rpc.test_http import asking
from tests.support.access import OPEN, SECRET, Two, given, house_of_another, two_channels

Case = Callable[[Two, bytes], dict[str, Any]]
ALL = tuple(Scope)
BOUNDED = (Scope.SEND, Scope.RECEIVE)
HIDDEN = {
    *("forbidden", "unknown_message", "unknown_file", "unknown_consumer"),
    *("unknown_subscription", "invalid_params"),
}


def channel(_: Two, id_: bytes) -> dict[str, Any]:
    return {"channel": id_.hex()}


def nothing(_: Two, __: bytes) -> dict[str, Any]:
    return {}


def named(_: Two, __: bytes) -> dict[str, Any]:
    return {"consumer": "bot"}


CASES: dict[str, Case] = {
    "account.show": nothing,
    "channel.list": nothing,
    "channel.show": channel,
    "consumer.list": nothing,
    "consumer.remove": named,
    "consumer.show": named,
    "daemon.status": nothing,
    "event.ack": lambda *_: {"consumer": "bot", "cursor": 1},
    "event.dead_letters": named,
    "event.discard": named,
    "event.nack": lambda *_: {"consumer": "bot", "cursor": 1},
    "event.requeue": named,
    "event.subscribe": lambda _, id_: {"channels": [id_.hex()], "from": "start"},
    "event.unsubscribe": lambda *_: {"subscription": 1},
    "file.begin": lambda *_: {"name": "a.txt"},
    "file.fetch": lambda two, id_: {"file": two.file[id_], "timeout": 0},
    "file.read": lambda two, id_: {"file": two.file[id_], "offset": 0},
    "file.save": lambda two, id_: {"file": two.file[id_], "path": "/tmp/x"},  # noqa: S108
    "file.show": lambda two, id_: {"file": two.file[id_]},
    "file.write": lambda *_: {"draft": 1, "offset": 0, "data": ""},
    "message.cancel": lambda two, id_: {"message": two.said[id_]},
    "message.delete": lambda two, id_: {"message": two.said[id_]},
    "message.edit": lambda two, id_: {"message": two.said[id_], "text": "x"},
    "message.export": channel,
    "message.list": channel,
    "message.mark_read": channel,
    "message.react": lambda two, id_: {"message": two.heard[id_], "emoji": "👍"},
    "message.search": lambda *_: {"query": "the"},
    "message.send": lambda _, id_: {"channel": id_.hex(), "text": "x"},
    "message.show": lambda two, id_: {"message": two.heard[id_]},
    "message.status": lambda two, id_: {"message": two.said[id_]},
    "rpc.discover": nothing,
}
SHOWS_OURS = ("message.list", "message.show", "message.export", "message.search", "channel.list")


@pytest.fixture
async def bounded(tmp_path: Path) -> AsyncIterator[House]:
    """Return a daemon whose caller may send and receive in one channel."""
    async with house_of_another(tmp_path, given(*BOUNDED, channels=("ops",))) as made:
        yield made


async def methods_of(alice: House) -> list[Method]:
    return list(registry_of(alice.daemon))


async def test_every_method_needs_its_scope(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for scope in ALL:
        others = tuple(one for one in ALL if one is not scope)
        async with house_of_another(tmp_path / scope.value, given(*others)) as alice:
            for method in await methods_of(alice):
                if method.scope is scope:
                    error = await alice.error(method.name, passphrase="secret words")
                    assert error == {"kind": "forbidden", "scope": scope.value}, method.name
    assert any("method account.approve: forbidden" in line for line in said(caplog))
    assert not any("secret words" in line for line in said(caplog))


async def test_who_is_kept_to_channels_cannot_reach_over_the_account(bounded: House) -> None:
    for method in await methods_of(bounded):
        if method.reach is Reach.ACCOUNT:
            assert (await bounded.error(method.name))["kind"] == "forbidden", method.name


async def test_what_keeps_to_channels_shows_none_of_the_others(bounded: House) -> None:
    two = await two_channels(bounded)
    methods = {each.name for each in await methods_of(bounded) if each.reach is Reach.CHANNELS}
    assert methods == set(CASES), "say how it is tried"
    for name, case in CASES.items():
        answer = await bounded.ask(name, **case(two, two.theirs))
        text = json.dumps(answer)
        assert SECRET not in text, name
        assert CAROL.identity not in text, name
        if (kind := answer.get("error", {}).get("data", {}).get("kind")) is not None:
            assert kind in HIDDEN, name
        elif name != "message.send":
            assert two.theirs.hex() not in text, name
    assert (await bounded.error("message.send", **channel(two, two.theirs), text="x"))["kind"] == (
        "forbidden"
    )


@pytest.mark.parametrize("name", SHOWS_OURS)
async def test_the_same_shows_what_is_allowed(bounded: House, name: str) -> None:
    two = await two_channels(bounded)
    text = json.dumps(await bounded.result(name, **CASES[name](two, two.ours)))
    assert (OPEN if name != "channel.list" else two.ours.hex()) in text


async def test_what_is_not_there_and_what_is_out_of_reach_are_answered_alike(
    bounded: House,
) -> None:
    two = await two_channels(bounded)
    for name, there, missing in (
        ("channel.show", {"channel": "board"}, {"channel": "nowhere"}),
        ("message.show", {"message": two.heard[two.theirs]}, {"message": "0" * 32}),
        ("message.status", {"message": two.said[two.theirs]}, {"message": "0" * 32}),
        ("file.show", {"file": two.file[two.theirs]}, {"file": 99}),
        ("message.send", {"to": CAROL.identity, "text": "x"}, {"to": "x@y.org", "text": "x"}),
    ):
        assert await bounded.error(name, **there) == await bounded.error(name, **missing), name


async def test_what_is_hidden_is_logged_as_refused(
    bounded: House, caplog: pytest.LogCaptureFixture
) -> None:
    two = await two_channels(bounded)
    await bounded.error("message.show", message=two.heard[two.theirs])
    await bounded.error("message.list", channel="board")
    assert [line.rpartition("method ")[2] for line in said(caplog)] == [
        "message.show: forbidden",
        "message.list: forbidden",
    ]


async def test_events_of_other_channels_do_not_come(bounded: House) -> None:
    two = await two_channels(bounded)
    for consumer in ({}, {"consumer": "stream"}, {"consumer": "queue", "ack_seconds": 60.0}):
        await bounded.result("event.subscribe", **consumer, **{"from": "start"})
        first = await bounded.event()
        await bounded.arrived(message_by(CAROL, two.theirs, f"{SECRET} {consumer}"))
        await bounded.arrived(message_by(BOB, two.ours, f"all is well {consumer}"))
        events = [first]
        while events[-1]["data"].get("text") != f"all is well {consumer}":
            events.append(await bounded.event())
        assert SECRET not in json.dumps(events)
        assert two.theirs.hex() not in json.dumps(events)


async def test_http_is_no_way_around(bounded: House) -> None:
    two = await two_channels(bounded)
    path = bounded.daemon.settings.socket
    for head, body, status in (
        ("GET /metrics", b"", 403),
        ("GET /health", b"", 403),
        (f"GET /events?channel={two.theirs.hex()}", b"", 403),
        ("POST /rpc", request("daemon.health"), 200),
        ("POST /rpc", request("message.list", channel=two.theirs.hex()), 200),
    ):
        async with asking(path) as client:
            found, answer = await client.ask(head, body)
            assert (found, answer["error"]["data"]["kind"]) == (status, "forbidden"), head


async def test_a_stream_by_http_shows_the_allowed_channel_alone(bounded: House) -> None:
    two = await two_channels(bounded)
    async with asking(bounded.daemon.settings.socket) as client:
        client.say("GET /events?from=start&kind=message")
        assert (await client.head())[0] == 200
        await client.event()
        await bounded.arrived(message_by(CAROL, two.theirs, f"{SECRET}, at noon"))
        await bounded.arrived(message_by(BOB, two.ours, "all is well"))
        shown = [json.loads((await client.event())["data"])["data"]["text"] for _ in range(2)]
        assert shown == [OPEN, "all is well"]


async def test_who_may_only_send_reads_nothing_by_sending(tmp_path: Path) -> None:
    async with house_of_another(tmp_path, given(Scope.SEND)) as alice:
        two = await two_channels(alice)
        for name in ("message.react", "message.edit", "message.delete", "message.cancel"):
            answer = await alice.ask(name, **CASES[name](two, two.theirs))
            assert SECRET not in json.dumps(answer), name


async def test_who_may_only_send_gets_no_answers_to_what_others_asked(tmp_path: Path) -> None:
    async with house_of_another(tmp_path, given(Scope.SEND)) as alice:
        two = await two_channels(alice)
        asked = two.said[two.ours]
        await alice.move(asked, "sent")
        id_ = bytes.fromhex(asked.replace("-", ""))
        is_request = "UPDATE message SET request = id WHERE id = ?"
        await alice.daemon.write(lambda db: db.execute(is_request, (id_,)).rowcount)
        answer = message_by(BOB, two.ours, SECRET, request=id_, answers=True, id=id_[::-1])
        await alice.arrived(answer)
        assert await alice.daemon.read(lambda db: len(answers.to(db, id_))) == 1
        assert (await alice.result("message.status", message=asked))["answers"] == []


async def test_dead_letters_of_other_channels_are_not_shown(bounded: House) -> None:
    two = await two_channels(bounded)
    await bounded.result("event.subscribe", consumer="bot", ack_seconds=60.0, kinds=["link"])
    name = f"uid:{os.geteuid()}:bot"
    dead = (
        "INSERT INTO held (consumer, cursor, state, attempt, due_at_ms, delay_ms) "
        "SELECT ?, cursor, 'dead', 9, 0, 0 FROM event WHERE kind = 'message'"
    )
    assert await bounded.daemon.write(lambda db: db.execute(dead, (name,)).rowcount) == 2
    letters = (await bounded.result("event.dead_letters", consumer="bot"))["dead_letters"]
    assert [each["data"]["channel"] for each in letters] == [two.ours.hex()]


async def test_a_channel_that_takes_an_allowed_ones_name_is_not_allowed(bounded: House) -> None:
    two = await two_channels(bounded)
    other = await bounded.channel(CAROL, name="ops")
    await bounded.arrived(message_by(CAROL, other, f"{SECRET}, at noon"))
    assert (await bounded.result("channel.show", channel="ops"))["channel"] == two.ours.hex()
    assert (await bounded.error("message.list", channel=other.hex()))["kind"] == "forbidden"


async def test_first_words_go_to_identities_that_are_allowed(tmp_path: Path) -> None:
    async with house_of_another(tmp_path, given(*BOUNDED, channels=("Bob@example.org",))) as alice:
        sent = await alice.result("message.send", to=BOB.identity, text="hello")
        assert (await alice.result("message.show", message=sent["message"]))["text"] == "hello"
        assert (await alice.result("message.status", message=sent["message"]))["status"] == "queued"
        assert (await alice.error("message.send", to=CAROL.identity, text="x"))["kind"] == (
            "forbidden"
        )


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and "refused" in record.getMessage()
    ]
