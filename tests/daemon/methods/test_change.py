from peerpost_daemon.records import channels, outbox
from peerpost_daemon.records.bodies import decode_body
from peerpost_daemon.records.channels import ChannelState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import Deletion, Edit, Reaction
from peerpost_protocol.roster import Add, Member, Role
from tests.daemon.methods.house import ALICE, BOB, CAROL, House, message_by, stored
from tests.support.people import NOW_MS, changed, channel_of

UNKNOWN = "0198f2c0-0000-7000-8000-000000000000"


async def _heard(alice: House, text: str = "hello") -> str:
    channel = await alice.channel(BOB)
    await alice.arrived(message_by(BOB, channel, text))
    (listed,) = (await alice.result("message.list", channel="ops"))["messages"]
    found: str = listed["message"]
    return found


async def _said(alice: House, text: str = "helo", state: str = "sent") -> str:
    await alice.channel(BOB)
    sent: str = (await alice.result("message.send", channel="ops", text=text))["message"]
    await alice.move(sent, state)
    return sent


async def _changes(alice: House) -> list[object]:
    return [decode_body(row.content) for row in await alice.waiting() if row.content]


async def test_a_reaction_is_shown_and_the_others_are_told(alice: House) -> None:
    message = await _heard(alice)
    shown = await alice.result("message.react", message=message, emoji="+1")
    assert shown["reactions"] == [{"emoji": "+1", "identities": [ALICE.identity]}]
    (told,) = await _changes(alice)
    assert isinstance(told, Reaction)
    assert (told.author, told.emoji, told.withdrawn) == (BOB.identity, "+1", False)
    await alice.result("message.react", message=message, emoji="+1", withdraw=True)
    assert (await alice.result("message.show", message=message))["reactions"] == []


async def test_an_edit_replaces_the_text_everywhere(alice: House) -> None:
    message = await _said(alice)
    shown = await alice.result("message.edit", message=message, text="hello")
    assert (shown["text"], shown["edited_at_ms"] is not None) == ("hello", True)
    (told,) = await _changes(alice)
    assert isinstance(told, Edit)
    assert told.text == "hello"


async def test_a_second_edit_takes_the_place_of_one_that_has_not_left(alice: House) -> None:
    message = await _said(alice)
    await alice.result("message.edit", message=message, text="hell")
    await alice.result("message.edit", message=message, text="hello")
    (told,) = await _changes(alice)
    assert isinstance(told, Edit)
    assert told.text == "hello"


async def test_a_message_that_has_not_left_is_edited_where_it_is(alice: House) -> None:
    message = await _said(alice, state="queued")
    await alice.result("message.edit", message=message, text="a longer text")
    assert await _changes(alice) == []
    (waiting,) = await alice.daemon.read(lambda db: outbox.waiting(db, 0, 10, 2**60))
    assert waiting.body == b"a longer text"


async def test_nobody_edits_what_another_wrote(alice: House) -> None:
    message = await _heard(alice)
    error = await alice.error("message.edit", message=message, text="I owe you 100")
    assert error["kind"] == "not_the_author"


async def test_data_cannot_be_edited(alice: House) -> None:
    await alice.channel(BOB)
    sent = await alice.result("message.send", channel="ops", data="AAAA", media_type="a/b")
    await alice.move(sent["message"], "sent")
    error = await alice.error("message.edit", message=sent["message"], text="x")
    assert error["kind"] == "invalid_params"


async def test_a_deleted_message_keeps_its_place_and_nothing_else(alice: House) -> None:
    message = await _said(alice, "secret")
    shown = await alice.result("message.delete", message=message)
    assert (shown["text"], shown["deleted_by"]) == (None, ALICE.identity)
    (told,) = await _changes(alice)
    assert told == Deletion(bytes.fromhex(message.replace("-", "")), ALICE.identity)
    error = await alice.error("message.edit", message=message, text="again")
    assert error["kind"] == "unknown_message"


async def test_an_owner_deletes_what_others_wrote(alice: House) -> None:
    message = await _heard(alice)
    shown = await alice.result("message.delete", message=message)
    assert (shown["from"], shown["deleted_by"]) == (BOB.identity, ALICE.identity)


async def test_of_two_messages_with_an_id_the_author_says_which(alice: House) -> None:
    channel = await alice.channel(BOB, CAROL)
    first = message_by(BOB, channel, "mine")
    await alice.arrived(first)
    await alice.arrived(message_by(CAROL, channel, "a copy", id=first.id))
    (bobs, carols) = (await alice.result("message.list", channel="ops"))["messages"]
    assert bobs["message"] == carols["message"]
    await alice.result("message.delete", message=bobs["message"], author=CAROL.identity)
    left = (await alice.result("message.list", channel="ops"))["messages"]
    assert [message["text"] for message in left] == ["mine", None]


async def test_who_left_changes_nothing(alice: House) -> None:
    channel = await alice.channel(BOB, state=ChannelState.LEFT)
    await alice.arrived(message_by(BOB, channel, "hello"))
    (listed,) = (await alice.result("message.list", channel="ops"))["messages"]
    for method, more in (("react", {"emoji": "+1"}), ("delete", {})):
        error = await alice.error(f"message.{method}", message=listed["message"], **more)
        assert error["kind"] == "not_a_member"


async def test_a_reader_changes_nothing(alice: House) -> None:
    made = channel_of(BOB, CAROL)
    reader = Member(ALICE.identity, Role.READER, (ALICE.card.id,))
    made = changed(made, BOB, Add((reader,)))
    await alice.daemon.write(lambda db: channels.create(db, stored(made.roster)))
    await alice.arrived(message_by(BOB, made.id, "hello"))
    (listed,) = (await alice.result("message.list", channel="ops"))["messages"]
    error = await alice.error("message.react", message=listed["message"], emoji="+1")
    assert error["kind"] == "may_not_post"


async def test_a_change_lives_no_longer_than_its_message(alice: House) -> None:
    await alice.channel(BOB)
    sent = await alice.result("message.send", channel="ops", text="helo", expires_in=60)
    await alice.move(sent["message"], "sent")
    await alice.result("message.edit", message=sent["message"], text="hello")
    (row,) = await alice.waiting()
    assert row.expires_at_ms == NOW_MS + 60_000


async def test_a_change_is_an_event_with_the_message_as_it_is(alice: House) -> None:
    message = await _heard(alice)
    await alice.result("event.subscribe", kinds=["message.changed"])
    await alice.result("message.react", message=message, emoji="+1")
    event = await alice.event()
    assert (event["kind"], event["data"]["change"]) == ("message.changed", "reacted")
    assert event["data"]["message"]["text"] == "hello"


async def test_a_cancelled_message_is_gone(alice: House) -> None:
    await alice.channel(BOB)
    sent = await alice.result(
        "message.send", channel="ops", text="secret", send_at="2030-01-01T00:00:00Z"
    )
    assert sent["send_at_ms"] == 1_893_456_000_000
    cancelled = await alice.result("message.cancel", message=sent["message"])
    assert (cancelled["status"], cancelled["reason"]) == ("failed", "cancelled")
    assert await alice.daemon.read(_bodies) == [b""]


async def test_what_has_left_cannot_be_cancelled(alice: House) -> None:
    message = await _said(alice)
    assert (await alice.error("message.cancel", message=message))["kind"] == "already_sent"


async def test_an_unknown_message_cannot_be_changed(alice: House) -> None:
    for method, more in (("react", {"emoji": "x"}), ("edit", {"text": ""}), ("cancel", {})):
        error = await alice.error(f"message.{method}", message=UNKNOWN, **more)
        assert error["kind"] == "unknown_message"


def _bodies(db: SqlConnection) -> list[bytes]:
    return [row[0] for row in db.execute("SELECT body FROM message").fetchall()]
