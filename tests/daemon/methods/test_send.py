import base64
import uuid
from pathlib import Path

import pytest

from peerpost_daemon.records import chains, channels, contacts, outbox_seals
from peerpost_daemon.records.channels import ChannelState
from peerpost_protocol import limits
from tests.daemon.methods.house import ALICE, BOB, House, house
from tests.daemon.rpc.stage import request
from tests.support.people import NOW_MS, digest, person


async def test_a_text_is_queued_for_an_identity(alice: House) -> None:
    delivery = await alice.result("message.send", to=" BOB@example.org ", text="hello")
    assert (delivery["status"], delivery["to"], delivery["channel"]) == (
        "queued",
        BOB.identity,
        None,
    )
    assert uuid.UUID(delivery["message"]).version == 7
    (waiting,) = await alice.waiting()
    assert waiting.recipient == BOB.identity
    assert (await alice.result("message.show", message=delivery["message"]))["text"] == "hello"
    assert alice.plan.said == [("wake",)]


async def test_a_known_direct_channel_is_used(alice: House) -> None:
    id_ = await alice.channel(BOB, direct=True)
    delivery = await alice.result("message.send", to=BOB.identity, text="hello")
    assert (delivery["channel"], delivery["to"]) == (id_.hex(), BOB.identity)


async def test_data_is_queued_for_a_channel(alice: House) -> None:
    await alice.channel(BOB)
    data = base64.b64encode(b"\x00\xff").decode()
    sent = await alice.result(
        "message.send", channel="ops", data=data, media_type="application/x-test", expires_in=1.5
    )
    shown = await alice.result("message.show", message=sent["message"])
    assert (shown["kind"], shown["data"], shown["text"]) == ("data", data, None)
    assert (shown["mine"], shown["status"], shown["channel_name"]) == (True, "queued", "ops")
    assert shown["expires_at_ms"] == NOW_MS + 1500


async def test_a_reply_names_its_message(alice: House) -> None:
    first = await alice.result("message.send", to=BOB.identity, text="a")
    second = await alice.result(
        "message.send", to=BOB.identity, text="b", reply_to=first["message"]
    )
    shown = await alice.result("message.show", message=second["message"])
    assert shown["reply_to"] == first["message"]


BAD = [
    ({"text": "x"}, "to"),
    ({"to": "b@c.d", "channel": "ops", "text": "x"}, "to"),
    ({"to": "b@c.d"}, "text"),
    ({"to": "b@c.d", "text": "x", "data": ""}, "text"),
    ({"to": "b@c.d", "data": "AA=="}, "media_type"),
    ({"to": "b@c.d", "data": "AA==", "media_type": "No Type"}, "media_type"),
    ({"to": "b@c.d", "text": "x", "media_type": "text/plain"}, "media_type"),
    ({"to": "b@c.d", "data": "?", "media_type": "a/b"}, "data"),
    ({"to": "nobody", "text": "x"}, "to"),
    ({"to": ALICE.identity, "text": "x"}, "to"),
    ({"to": "b@c.d", "text": "x", "reply_to": "y"}, "reply_to"),
    ({"to": "b@c.d", "text": "x", "expires_in": 0}, "expires_in"),
    ({"to": "b@c.d", "text": "x", "wait": "never"}, "wait"),
    ({"to": "b@c.d", "text": "x", "idempotency_key": ""}, "idempotency_key"),
]


@pytest.mark.parametrize(("params", "field"), BAD)
async def test_a_bad_order_names_its_field_and_is_not_stored(
    alice: House, params: dict[str, object], field: str
) -> None:
    error = await alice.error("message.send", **params)
    assert (error["kind"], error["field"]) == ("invalid_params", field)
    assert not await alice.waiting()


async def test_what_is_too_large_is_refused_before_it_is_stored(alice: House) -> None:
    data = base64.b64encode(bytes(limits.MAX_DATA + 1)).decode()
    for params, field in (
        ({"text": "x" * (limits.MAX_TEXT_CHARACTERS + 1)}, "text"),
        ({"text": "\u20ac" * (limits.MAX_TEXT // 3 + 1)}, "text"),
        ({"data": data, "media_type": "a/b"}, "data"),
    ):
        error = await alice.error("message.send", to=BOB.identity, **params)
        assert (error["kind"], error["field"]) == ("too_large", field)
    assert not await alice.waiting()


async def test_a_key_gives_the_first_message_again(alice: House) -> None:
    params = {"to": BOB.identity, "text": "hello", "expires_in": 60, "idempotency_key": "k"}
    first = await alice.result("message.send", **params)
    assert await alice.result("message.send", **params) == first
    assert len(await alice.waiting()) == 1


async def test_a_key_holds_when_the_channel_has_come_meanwhile(alice: House) -> None:
    params = {"to": BOB.identity, "text": "hello", "idempotency_key": "k"}
    first = await alice.result("message.send", **params)
    await alice.channel(BOB, direct=True)
    assert (await alice.result("message.send", **params))["message"] == first["message"]


@pytest.mark.parametrize(
    "change", [{"text": "other"}, {"to": "carol@example.org"}, {"expires_in": 5}]
)
async def test_a_key_is_for_one_message(alice: House, change: dict[str, object]) -> None:
    params: dict[str, object] = {"to": BOB.identity, "text": "hello", "idempotency_key": "k"}
    await alice.result("message.send", **params)
    error = await alice.error("message.send", **{**params, **change})
    assert (error["kind"], error["field"]) == ("invalid_params", "idempotency_key")


async def test_the_outbox_has_a_bound(tmp_path: Path) -> None:
    async with house(tmp_path, max_queued=2) as small:
        await small.open()
        for text in "ab":
            sent = await small.result("message.send", to=BOB.identity, text=text)
        error = await small.error("message.send", to=BOB.identity, text="c")
        assert (error["kind"], error["retry_after"]) == ("queue_full", 5.0)
        await small.move(sent["message"], "sent")
        await small.result("message.send", to=BOB.identity, text="c")


@pytest.mark.parametrize("state", [ChannelState.LEFT, ChannelState.REMOVED])
async def test_nothing_is_sent_to_a_channel_that_one_is_not_in(
    alice: House, state: ChannelState
) -> None:
    await alice.channel(BOB, state=state)
    error = await alice.error("message.send", channel="ops", text="x")
    assert (error["kind"], error["field"]) == ("not_a_member", "channel")


async def test_a_channel_that_waits_for_the_relay_takes_messages(alice: House) -> None:
    await alice.channel(BOB, state=ChannelState.PENDING)
    sent = await alice.result("message.send", channel="ops", text="x")
    assert sent["status"] == "queued"


async def test_nothing_is_sent_to_a_contact_that_changed(alice: House) -> None:
    await alice.channel(BOB, direct=True)
    await alice.met(BOB)
    await alice.met(person("bob", device="stranger"))
    for params in ({"to": BOB.identity}, {"channel": BOB.identity}):
        error = await alice.error("message.send", text="x", **params)
        assert (error["kind"], error["state"]) == ("untrusted_contact", "changed")
    assert not await alice.waiting()


async def test_an_unknown_channel_is_named(alice: House) -> None:
    error = await alice.error("message.send", channel="nowhere", text="x")
    assert (error["kind"], error["field"]) == ("unknown_channel", "channel")


async def _sending(alice: House, wait: str, **params: object) -> str:
    """Begin to send, and return the message once it is in the vault."""
    said = {"to": BOB.identity, "text": "x", "wait": wait, **params}
    alice.client.say(request("message.send", 9, **said))
    while not (found := await alice.waiting()):
        continue
    return str(uuid.UUID(bytes=found[0].message))


async def test_waiting_ends_when_the_message_is_there(alice: House) -> None:
    message = await _sending(alice, "delivered")
    await alice.move(message, "sent")
    await alice.move(message, "delivered")
    answer = await alice.client.hear()
    assert answer["result"]["status"] == "delivered"


async def test_waiting_ends_with_a_failure(alice: House) -> None:
    message = await _sending(alice, "sent")
    await alice.move(message, "failed", "expired")
    error = (await alice.client.hear())["error"]["data"]
    assert (error["kind"], error["reason"]) == ("delivery_failed", "expired")
    assert error["message"] == message


async def test_waiting_ends_in_time(alice: House) -> None:
    error = await alice.error("message.send", to=BOB.identity, text="x", wait="sent", timeout=0.01)
    assert (error["kind"], error["status"]) == ("timeout", "queued")
    assert (await alice.result("message.status", message=error["message"]))["status"] == "queued"


async def test_recipients_say_who_has_it(alice: House) -> None:
    id_ = await alice.channel(BOB)
    await alice.met(BOB)
    sent = await alice.result("message.send", channel="ops", text="x")
    await _sealed_and_received(alice, id_)
    delivery = await alice.result("message.status", message=sent["message"])
    assert delivery["recipients"] == [
        {
            "identity": BOB.identity,
            "card": BOB.card.id.hex(),
            "delivered": True,
            "read": False,
            "member": True,
        }
    ]
    assert (delivery["status"], delivery["sequence"]) == ("queued", 1)


async def _sealed_and_received(alice: House, channel: bytes) -> None:
    (row,) = await alice.waiting()
    cards = (ALICE.card.id, BOB.card.id)
    sealed = outbox_seals.Sealed(row.number, 1, b"bytes", digest("envelope"), cards)
    mark = chains.Delivery(1, ())
    await alice.daemon.write(lambda db: outbox_seals.seal(db, [sealed]))
    await alice.daemon.write(lambda db: chains.note_delivery(db, channel, BOB.card.id, mark))


async def test_a_blocked_contact_gets_nothing(alice: House) -> None:
    await alice.met(BOB)
    await alice.daemon.write(lambda db: db.execute("UPDATE contact SET state = 'blocked'").rowcount)
    assert (await alice.daemon.read(lambda db: contacts.usable(db, BOB.identity))) == ()
    error = await alice.error("message.send", to=BOB.identity, text="x")
    assert (error["kind"], error["state"]) == ("untrusted_contact", "blocked")
    assert await alice.daemon.read(lambda db: channels.direct(db, BOB.identity)) is None


async def test_the_outbox_has_a_bound_in_bytes(tmp_path: Path) -> None:
    async with house(tmp_path, max_queued_bytes=10) as small:
        await small.open()
        sent = await small.result("message.send", to=BOB.identity, text="x" * 20)
        error = await small.error("message.send", to=BOB.identity, text="c")
        assert (error["kind"], error["retry_after"]) == ("queue_full", 5.0)
        await small.move(sent["message"], "delivered")
        await small.result("message.send", to=BOB.identity, text="c")
