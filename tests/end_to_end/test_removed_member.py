import pytest

from peerpost import RefusedError
from tests.support.account import vault_of
from tests.support.site import DaemonProcess, Site


async def three(site: Site) -> tuple[list[DaemonProcess], str]:
    """Return alice, bob and carol, and the channel that alice made for them."""
    await site.relay.start()
    people = await site.members("alice", "bob", "carol")
    others = [daemon.identity for daemon in people[1:]]
    channel = (await people[0].client.channel_create("ops", others))["channel"]
    for daemon in people[1:]:
        await daemon.joined(channel)
    return people, channel


async def test_a_removed_member_reads_and_writes_no_more_but_keeps_what_it_has(site: Site) -> None:
    (alice, bob, carol), channel = await three(site)
    await alice.client.send(channel=channel, text="to three", wait="delivered")
    await alice.client.channel_remove(channel, [carol.identity])
    await carol.event("channel", channel=channel, change="removed")
    await alice.client.send(channel=channel, text="to two", wait="delivered")

    assert [m["text"] for m in await vault_of(bob.client, channel)] == ["to three", "to two"]
    assert [m["text"] for m in await vault_of(carol.client, channel)] == ["to three"]
    assert (await carol.client.channel_show(channel))["state"] == "removed"
    with pytest.raises(RefusedError) as refused:
        await carol.client.send(channel=channel, text="let me in")
    assert refused.value.kind == "not_a_member"


async def test_a_member_that_was_offline_when_removed_learns_it_and_gets_nothing_later(
    site: Site,
) -> None:
    (alice, bob, carol), channel = await three(site)
    await carol.stop()
    await alice.client.channel_remove(channel, [carol.identity])
    await bob.event("channel", channel=channel, change="removed")
    await alice.client.send(channel=channel, text="to two", wait="delivered")
    await carol.start()
    await carol.event("channel", channel=channel, change="removed")
    assert await vault_of(carol.client, channel) == []


async def test_only_an_admin_changes_who_is_a_member(site: Site) -> None:
    (_, bob, carol), channel = await three(site)
    with pytest.raises(RefusedError) as refused:
        await bob.client.channel_remove(channel, [carol.identity])
    assert refused.value.kind == "not_an_admin"


async def test_who_leaves_is_gone_for_the_others(site: Site) -> None:
    (alice, bob, carol), channel = await three(site)
    await carol.client.channel_leave(channel)
    await alice.event("channel", channel=channel, change="left")
    shown = await alice.client.channel_show(channel)
    members = {member["identity"] for member in shown["members"]}
    assert members == {alice.identity, bob.identity}
    assert (await carol.client.channel_show(channel))["state"] == "left"
