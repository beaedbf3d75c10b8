from tests.support.account import vault_of
from tests.support.site import Site


async def test_who_joins_late_reads_what_follows_and_nothing_from_before(site: Site) -> None:
    await site.relay.start()
    alice, bob, carol = await site.members("alice", "bob", "carol")
    channel = (await alice.client.channel_create("ops", [bob.identity]))["channel"]
    await bob.joined(channel)
    for daemon in (alice, bob):
        await daemon.client.send(channel=channel, text="before", wait="delivered")
    await alice.client.channel_add(channel, [carol.identity])
    await carol.joined(channel)
    for daemon in (alice, bob, carol):
        text = f"after, by {daemon.identity}"
        await daemon.client.send(channel=channel, text=text, wait="delivered")

    read = [message["text"] for message in await vault_of(carol.client, channel)]
    assert read == [f"after, by {daemon.identity}" for daemon in (alice, bob, carol)]
    events = carol.client.listen(kinds=["quarantine", "message"], from_="start", timeout=5)
    async with events:
        kinds = [(await anext(events))["kind"] for _ in range(2)]
    assert kinds == ["message", "message"]
