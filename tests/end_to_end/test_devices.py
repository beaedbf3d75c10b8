"""Two devices of alice and one of bob, as real processes: link, approve, both take part, remove, nothing more."""

import json

import pytest

from peerpost import RefusedError
from tests.support.account import vault_of
from tests.support.site import DaemonProcess, Site


async def linked(site: Site) -> tuple[DaemonProcess, DaemonProcess, DaemonProcess, str]:
    """Return alice's laptop, bob, alice's phone that waits for its approval, and the code it shows."""
    await site.relay.start()
    alice, bob = await site.members("alice", "bob")
    phone = site.daemon("phone")
    await phone.start()
    token = await site.relay.token()
    with pytest.raises(RefusedError) as refused:
        await phone.client.register(alice.identity, token=token, device="phone")
    assert refused.value.kind == "identity_taken"
    linking = await phone.client.account_link(alice.identity, token=token)
    assert linking["waiting"]
    return alice, bob, phone, linking["code"]


async def test_a_linked_device_reads_all_from_its_approval_to_its_removal(site: Site) -> None:
    alice, bob, phone, code = await linked(site)
    await alice.client.send(to=bob.identity, text="before", wait="delivered")
    (channel,) = (await alice.client.channel_list())["channels"]
    wrong = await alice.peerpost("devices", "approve", "1" * 20)
    assert (wrong.code, "No waiting device" in wrong.err) == (1, True)
    approved = await alice.peerpost("devices", "approve", *code.split())
    assert approved.code == 0, approved.err

    await bob.event("contact.changed", identity=alice.identity, reason="endorsed_card")
    await phone.joined(channel["channel"])
    await bob.client.send(to=alice.identity, text="to both", wait="delivered")
    assert await phone.heard(1) == ["to both"]
    await phone.client.send(channel=channel["channel"], text="from the phone", wait="delivered")
    await alice.client.send(to=bob.identity, text="from the laptop", wait="delivered")
    await bob.client.send(to=alice.identity, text="last", wait="delivered")
    assert await phone.heard(2) == ["to both", "last"]
    both = ["to both", "from the phone", "from the laptop", "last"]
    assert [m["text"] for m in await vault_of(phone.client, channel["channel"])] == both
    assert [m["text"] for m in await vault_of(alice.client, channel["channel"])] == [
        "before",
        *both,
    ]

    removed = await alice.peerpost("devices", "remove", "phone")
    assert removed.code == 0, removed.err
    await bob.event("contact.changed", identity=alice.identity, reason="ended_card")
    await bob.client.send(to=alice.identity, text="not for the phone", wait="delivered")
    assert (await alice.heard(3))[-1] == "not for the phone"
    assert [m["text"] for m in await vault_of(phone.client, channel["channel"])] == both
    shown = await bob.client.contact_show(alice.identity)
    assert {card["device"]: card["state"] for card in shown["cards"]}["phone"] == "ended"


async def test_a_device_linked_with_history_reads_what_was_said_before(site: Site) -> None:
    await site.relay.start()
    alice, bob = await site.members("alice", "bob")
    await alice.client.send(to=bob.identity, text="before", wait="delivered")
    await bob.client.send(to=alice.identity, text="answer", wait="delivered")
    (channel,) = (await alice.client.channel_list())["channels"]
    phone = site.daemon("phone")
    await phone.start()
    token = (await site.relay.token()).encode()
    link = ("link", alice.identity, "--device", "phone", "--with-history", "--token", "-")
    linking = await phone.peerpost(*link, "--json", stdin=token)
    assert linking.code == 0, linking.err
    code = json.loads(linking.out)["code"]
    approved = await alice.peerpost("devices", "approve", "--with-history", "--json", code)
    assert approved.code == 0, approved.err

    await phone.event("daemon", change="history_received")
    await phone.joined(channel["channel"])
    shown = await phone.client.message_list(channel["channel"])
    assert [(m["text"], m["mine"]) for m in shown["messages"]] == [
        ("before", True),
        ("answer", False),
    ]
    assert all(m["imported"] for m in shown["messages"])
