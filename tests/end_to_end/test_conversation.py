from base64 import b64decode

from tests.support.conversation import Conversation
from tests.support.lines import spoken_lines
from tests.support.site import DaemonProcess, Site


async def test_three_converse_through_two_crashes_and_an_absence(site: Site) -> None:
    await site.relay.start()
    rows = await Conversation(site, spoken_lines(90)).held()
    assert [row.identity.split("@")[0] for row in rows] == ["alice", "bob", "carol"]
    assert sum(row.sent for row in rows) == 90
    assert all(row.is_perfect for row in rows), rows


async def test_a_new_channel_reaches_its_members_before_anybody_speaks(
    pair: tuple[DaemonProcess, DaemonProcess],
) -> None:
    alice, bob = pair
    made = await alice.client.channel_create("ops", [bob.identity])
    await bob.joined(made["channel"])
    known = await bob.client.channel_show("ops")
    assert (known["channel"], known["state"]) == (made["channel"], "active")
    assert {each["identity"]: each["role"] for each in known["members"]} == {
        alice.identity: "owner",
        bob.identity: "member",
    }


async def test_data_arrives_as_the_same_bytes(pair: tuple[DaemonProcess, DaemonProcess]) -> None:
    alice, bob = pair
    data = bytes(range(256)) * 100
    sent = await alice.client.send(
        to=bob.identity, data=data, media_type="image/png", wait="delivered"
    )
    got = await bob.client.message_show(sent["message"])
    assert (got["kind"], got["media_type"]) == ("data", "image/png")
    assert b64decode(got["data"] or "") == data
