"""Being added by a stranger, with real processes and the command line."""

import json

from tests.support.account import vault_of
from tests.support.site import Site


async def test_a_request_is_seen_accepted_and_read_by_commands(site: Site) -> None:
    await site.relay.start()
    alice, bob = await site.members("alice", "bob")
    assert (await bob.peerpost("channel", "consent", "--groups", "contacts")).code == 0
    channel = (await alice.client.channel_create("ops", [bob.identity]))["channel"]
    await alice.client.send(channel=channel, text="are you there", wait="sent")
    await bob.event("channel", channel=channel, change="requested")
    listed = await bob.peerpost("channel", "requests", "--json")
    (request,) = json.loads(listed.out)["requests"]
    assert (request["name"], request["inviter"]) == ("ops", alice.identity)
    assert (await bob.peerpost("log", "ops")).code != 0
    assert (await bob.peerpost("channel", "accept", "ops")).code == 0
    assert await bob.heard(1) == ["are you there"]
    await alice.client.send(channel=channel, text="good", wait="delivered")
    assert [m["text"] for m in await vault_of(bob.client, channel)] == ["are you there", "good"]


async def test_roles_and_names_are_changed_by_commands(site: Site) -> None:
    await site.relay.start()
    alice, bob = await site.members("alice", "bob")
    channel = (await alice.client.channel_create("ops", [bob.identity]))["channel"]
    await bob.joined(channel)
    for command in (
        ("role", "ops", bob.identity, "reader"),
        ("topic", "ops", "what runs at night"),
        ("policy", "ops", "--expire-after", "1h"),
        ("rename", "ops", "night"),
    ):
        done = await alice.peerpost("channel", *command)
        assert done.code == 0, done.err
    await bob.event("channel", channel=channel, change="renamed", detail="ops")
    refused = await bob.peerpost("send", "night", "may I")
    assert refused.code == 6, refused.err
    shown = json.loads((await bob.peerpost("channel", "show", "night", "--json")).out)
    assert (shown["topic"], shown["policies"]["expire_after"]) == ("what runs at night", 3600.0)
