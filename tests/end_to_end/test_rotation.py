"""Alice replaces her card while bob, who has verified her, is away: nothing is lost, doubled or distrusted.

Nor is anything by a second device of hers, whose own messages go on and reach her.
"""

from peerpost import AsyncClient
from tests.support.account import vault_of
from tests.support.site import EVENT_SECONDS, DaemonProcess, Site

COUNTING = ("pinned", "endorsed")


async def texts(client: AsyncClient, channel: str) -> list[str | None]:
    return [m["text"] for m in await vault_of(client, channel)]


async def rotated(alice: DaemonProcess) -> str:
    """Rotate by command; return the id of the card that is in force then."""
    before = await card_of(alice)
    done = await alice.peerpost("devices", "rotate")
    assert done.code == 0, done.err
    after = await card_of(alice)
    assert after != before
    return after


async def test_a_verified_contact_stays_so_over_a_rotation_that_it_slept_through(
    site: Site,
) -> None:
    await site.relay.start()
    alice, bob = await site.members("alice", "bob")
    await alice.client.send(to=bob.identity, text="one", wait="delivered")
    await bob.client.send(to=alice.identity, text="two", wait="delivered")
    shown = await bob.client.contact_safety_number(alice.identity)
    await bob.client.contact_verify(alice.identity, safety_number=shown["safety_number"])
    (channel,) = (await alice.client.channel_list())["channels"]
    await bob.stop()
    waiting = await alice.client.send(to=bob.identity, text="three", wait="sent")

    card = await rotated(alice)
    again = await alice.client.send(to=bob.identity, text="four", wait="sent")
    await bob.start()
    for sent in (waiting, again):
        await alice.event("message.status", message=sent["message"], status="delivered")
    await bob.client.send(to=alice.identity, text="five", wait="delivered")
    await rotated(alice)
    await alice.client.send(to=bob.identity, text="six", wait="delivered")

    said = ["one", "two", "three", "four", "five", "six"]
    assert await texts(alice.client, channel["channel"]) == said
    assert await texts(bob.client, channel["channel"]) == said
    contact = await bob.client.contact_show(alice.identity)
    assert contact["state"] == "verified"
    assert {c["card"]: c["state"] for c in contact["cards"]}[card] == "ended"


async def test_a_second_device_follows_a_rotation_and_rotates_itself(site: Site) -> None:
    await site.relay.start()
    alice, bob = await site.members("alice", "bob")
    phone = await linked(site, alice)
    first = await bob.client.send(to=alice.identity, text="one", wait="delivered")
    channel = first["channel"]
    assert channel is not None
    await phone.joined(channel)
    said = ["one"]
    for rotating in (alice, phone):
        card = await rotated(rotating)
        for who in (alice, phone, bob):
            await told_of(who, alice.identity, card)
            said.append(f"by {who.folder.name} after {card}")
            await who.client.send(channel=channel, text=said[-1], wait="delivered")
    for member in (alice, phone, bob):
        assert await texts(member.client, channel) == said
    for device in (alice, phone):
        assert await live(device) == {await card_of(alice), await card_of(phone)}


async def linked(site: Site, alice: DaemonProcess) -> DaemonProcess:
    """Return a second device of alice, approved."""
    phone = site.daemon("phone")
    await phone.start()
    linking = await phone.client.account_link(alice.identity, token=await site.relay.token())
    approved = await alice.peerpost("devices", "approve", *linking["code"].split())
    assert approved.code == 0, approved.err
    return phone


async def card_of(daemon: DaemonProcess) -> str:
    return (await daemon.client.card_show())["card"]


async def live(daemon: DaemonProcess) -> set[str]:
    """Return the cards of the account that count, as this device knows them."""
    devices = (await daemon.client.account_devices())["devices"]
    return {device["card"] for device in devices if device["state"] == "live"}


async def told_of(daemon: DaemonProcess, identity: str, card: str) -> None:
    """Wait until a daemon takes a card of an identity, its own or another's, for one that counts."""
    async with daemon.client.listen(from_="start", timeout=EVENT_SECONDS) as events:
        while not await takes(daemon, identity, card):
            await anext(events)


async def takes(daemon: DaemonProcess, identity: str, card: str) -> bool:
    if (await daemon.client.account_show())["identity"] == identity:
        return card in await live(daemon)
    shown = await daemon.client.contact_show(identity)
    counting = {each["card"] for each in shown["cards"] if each["state"] in COUNTING}
    return card in counting
