"""What people do with messages, by commands of real processes: each shows JSON, each reaches the other side."""

import asyncio
import json
from typing import Any

from tests.support.site import DaemonProcess

Pair = tuple[DaemonProcess, DaemonProcess]


async def _shown(daemon: DaemonProcess, *command: str) -> dict[str, Any]:
    """Run a command with --json; return what it shows."""
    done = await daemon.peerpost(*command, "--json")
    assert done.code == 0, done.err
    shown: dict[str, Any] = json.loads(done.out)
    return shown


async def test_a_message_is_reacted_to_answered_edited_and_deleted(pair: Pair) -> None:
    alice, bob = pair
    sent = await _shown(alice, "send", bob.identity, "teh build is red", "--wait", "delivered")
    id_ = sent["message"]
    reacted = await _shown(bob, "react", id_, "👀")
    assert reacted["message"] == id_
    await alice.event("message.changed", change="reacted")
    await _shown(bob, "reply", id_, "on it")
    assert await alice.heard(1) == ["on it"]
    edited = await _shown(alice, "edit", id_, "the build is red")
    assert edited["text"] == "the build is red"
    await bob.event("message.changed", change="edited")
    found = await _shown(bob, "search", "build")
    assert [hit["message"]["message"] for hit in found["hits"]] == [id_]
    await _shown(alice, "delete", id_)
    await bob.event("message.changed", change="deleted")
    assert (await _shown(bob, "search", "build"))["hits"] == []


async def test_a_request_prints_its_answer_and_has_a_code_for_none(pair: Pair) -> None:
    alice, bob = pair
    asking = asyncio.create_task(
        alice.peerpost("request", bob.identity, '{"service":"web"}', "--timeout", "20")
    )
    request = await bob.event("message")
    assert (await bob.peerpost("reply", request["data"]["message"], "done")).code == 0
    answered = await asking
    assert (answered.code, "done" in answered.out) == (0, True), answered.err
    late = await alice.peerpost("request", bob.identity, "and now", "--timeout", "0.3")
    assert late.code == 5


async def test_a_scheduled_message_waits_and_one_that_expires_goes(pair: Pair) -> None:
    alice, bob = pair
    later = await _shown(alice, "send", bob.identity, "tomorrow", "--at", "2099-01-01T00:00:00Z")
    assert later["status"] == "queued"
    cancelled = await _shown(alice, "cancel", later["message"])
    assert cancelled["status"] == "failed"
    short = ("send", bob.identity, "soon gone", "--expires-in", "1h", "--wait", "delivered")
    sent = await _shown(alice, *short)
    shown = await bob.client.message_show(sent["message"])
    assert shown["expires_at_ms"] is not None
    assert shown["expires_at_ms"] - shown["sent_at_ms"] == 3_600_000


async def test_a_history_goes_out_and_comes_in(pair: Pair) -> None:
    alice, bob = pair
    await _shown(alice, "send", bob.identity, "kept", "--wait", "delivered")
    lines = await bob.peerpost("history", "export", alice.identity)
    assert [json.loads(line)["text"] for line in lines.out.splitlines()] == ["kept"]
    taken = await bob.peerpost("history", "import", alice.identity, stdin=lines.out.encode())
    assert taken.code == 0, taken.err
