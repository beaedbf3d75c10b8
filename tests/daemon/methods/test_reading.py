from peerpost_daemon.records import outbox, outbox_progress, outbox_seals, read_marks
from peerpost_daemon.records.bodies import decode_body
from peerpost_daemon.records.channels import ChannelState
from peerpost_daemon.records.outbox_seals import Sealed
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import ReadMark
from tests.daemon.methods.house import ALICE, BOB, House, message_by
from tests.support.people import NOW_MS, digest


async def test_everything_that_came_is_read_and_the_others_are_told(alice: House) -> None:
    channel = await alice.channel(BOB)
    await alice.arrived(message_by(BOB, channel, "a", position=7))
    marked = await alice.result("message.mark_read", channel="ops")
    assert marked == {"channel": channel.hex(), "position": 7, "changed": True}
    (waiting,) = await alice.daemon.read(lambda db: outbox.waiting(db, 0, 10, NOW_MS))
    assert decode_body(waiting.outgoing.content or b"") == ReadMark(7)
    assert alice.plan.said == [("wake",)]


async def test_what_is_not_sent_yet_is_replaced_and_nothing_goes_back(alice: House) -> None:
    channel = await alice.channel(BOB)
    first = message_by(BOB, channel, "a", position=7)
    await alice.arrived(first)
    await alice.arrived(message_by(BOB, channel, "b", sequence=2, position=8))
    marked = await alice.result("message.mark_read", channel="ops", up_to=first.id.hex())
    assert marked["position"] == 7
    assert (await alice.result("message.mark_read", channel="ops"))["position"] == 8
    again = await alice.result("message.mark_read", channel="ops", up_to=first.id.hex())
    assert (again["position"], again["changed"]) == (8, False)
    (waiting,) = await alice.daemon.read(lambda db: outbox.waiting(db, 0, 10, NOW_MS))
    assert decode_body(waiting.outgoing.content or b"") == ReadMark(8)


async def test_an_empty_channel_has_nothing_to_read(alice: House) -> None:
    await alice.channel(BOB)
    marked = await alice.result("message.mark_read", channel="ops")
    assert (marked["position"], marked["changed"]) == (0, False)
    assert not await alice.waiting()


async def test_a_message_of_elsewhere_is_unknown(alice: House) -> None:
    await alice.channel(BOB, name="dev")
    other = await alice.channel(BOB, name="ops")
    said = message_by(BOB, other, "a", position=7)
    await alice.arrived(said)
    error = await alice.error("message.mark_read", channel="dev", up_to=said.id.hex())
    assert (error["kind"], error["field"]) == ("unknown_message", "up_to")


async def test_nothing_is_marked_where_one_is_no_member(alice: House) -> None:
    await alice.channel(BOB, state=ChannelState.LEFT)
    assert (await alice.error("message.mark_read", channel="ops"))["kind"] == "not_a_member"


async def test_a_status_tells_a_whole_life(alice: House) -> None:
    channel = await alice.channel(BOB)
    await alice.met(BOB)
    sent = await alice.result("message.send", channel="ops", text="x")

    def live(db: SqlConnection) -> None:
        id_ = bytes.fromhex(sent["message"].replace("-", ""))
        cards = (ALICE.card.id, BOB.card.id)
        outbox_seals.seal(db, [Sealed(1, 1, b"x", digest("x"), cards)])
        outbox_progress.sent(db, id_, 3, NOW_MS + 1)
        outbox_progress.delivered(db, 1, NOW_MS + 2)
        read_marks.note(db, channel, BOB.identity, 3, NOW_MS + 3)
        outbox_progress.read(db, 1, NOW_MS + 3)

    await alice.daemon.write(live)
    life = await alice.result("message.status", message=sent["message"])
    steps = ("queued", "sent", "delivered", "read")
    assert life["history"] == [
        {"status": status, "at_ms": NOW_MS + n, "reason": None} for n, status in enumerate(steps)
    ]
    assert (life["status"], life["attempts"], life["recipients"][0]["read"]) == ("read", 1, True)


async def test_a_status_tells_why_a_message_failed(alice: House) -> None:
    await alice.channel(BOB)
    sent = await alice.result("message.send", channel="ops", text="x")
    await alice.daemon.write(lambda db: outbox_progress.fail(db, 1, "expired", NOW_MS + 5))
    life = await alice.result("message.status", message=sent["message"])
    assert life["history"][-1] == {"status": "failed", "at_ms": NOW_MS + 5, "reason": "expired"}
