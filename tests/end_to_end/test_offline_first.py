import json

from tests.support.site import Site, private_file


async def test_a_message_sent_without_a_relay_arrives_once_there_is_one(site: Site) -> None:
    await site.relay.start()
    alice, bob = await site.members("alice", "bob")
    await site.relay.process.kill()
    sent = await alice.peerpost("send", bob.identity, "said in the dark")
    assert sent.code == 0, sent.err
    status = await alice.peerpost("status", sent.out.strip(), "--json")
    assert json.loads(status.out)["status"] == "queued"
    await alice.restart()
    status = await alice.peerpost("status", sent.out.strip(), "--json")
    assert json.loads(status.out)["status"] == "queued"
    await site.relay.start()
    assert await bob.heard(1) == ["said in the dark"]


async def test_a_daemon_is_of_use_before_it_has_ever_seen_its_relay(site: Site) -> None:
    token = private_file(site.folder / "token", await site.relay.token())
    alice, bob = site.daemon("alice"), site.daemon("bob")
    await alice.start()
    register = ("--token-file", str(token), "--timeout", "0.2", "--json")
    account = await alice.peerpost("register", alice.identity, *register)
    assert json.loads(account.out)["state"] == "pending"
    sent = await alice.peerpost("send", bob.identity, "first of all", "--json")
    message = json.loads(sent.out)
    assert (sent.code, message["status"]) == (0, "queued")
    await alice.kill()

    await site.relay.start()
    await bob.start()
    account = await bob.peerpost("register", bob.identity, "--token-file", str(token))
    assert account.code == 0, account.err
    await alice.start()
    assert await bob.heard(1) == ["first of all"]
    received = await bob.client.message_show(message["message"])
    assert received["from"] == alice.identity
    assert (await alice.client.account_show())["state"] == "registered"


async def test_messages_queued_offline_arrive_in_their_order(site: Site) -> None:
    await site.relay.start()
    alice, bob = await site.members("alice", "bob")
    await site.relay.process.kill()
    texts = [f"line {number}" for number in range(40)]
    for text in texts:
        await alice.client.send(to=bob.identity, text=text)
    assert (await alice.client.status())["outbox"]["queued"] == 40
    await alice.restart()
    await site.relay.start()
    assert await bob.heard(40) == texts
