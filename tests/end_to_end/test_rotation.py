"""Alice replaces her card while bob, who has verified her, is away: nothing is lost, doubled or distrusted."""

from peerpost import AsyncClient
from tests.support.account import vault_of
from tests.support.site import DaemonProcess, Site


async def texts(client: AsyncClient, channel: str) -> list[str | None]:
    return [m["text"] for m in await vault_of(client, channel)]


async def rotated(alice: DaemonProcess) -> str:
    """Rotate by command; return the id of the card that is in force then."""
    before = (await alice.client.card_show())["card"]
    done = await alice.peerpost("devices", "rotate")
    assert done.code == 0, done.err
    after = (await alice.client.card_show())["card"]
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
