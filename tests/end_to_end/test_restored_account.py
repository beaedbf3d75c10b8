"""An account on an empty machine: backed up and restored by command, with the costs as installed."""

from pathlib import Path

from tests.support.site import Site, private_file

SECRET = "a passphrase of a backup"


async def test_an_account_moves_to_an_empty_machine_by_a_file(tmp_path: Path) -> None:
    async with Site(tmp_path / "site") as site:
        await site.relay.start()
        alice, bob = await site.members("alice", "bob")
        sent = await alice.client.send(to=bob.identity, text="hello", wait="delivered", timeout=20)
        secret = private_file(tmp_path / "secret", SECRET)
        file = tmp_path / "alice.backup"
        made = await alice.peerpost("backup", "--to", str(file), "--passphrase-file", str(secret))
        assert made.code == 0, made.err
        await alice.stop()
        new = site.daemon("new")
        await new.start()
        done = await new.peerpost(
            "restore", "--from", str(file), "--passphrase-file", str(secret), "--json"
        )
        assert done.code == 0, done.err
        assert alice.identity in done.out
        shown = await new.client.message_show(sent["message"])
        assert shown["text"] == "hello"
        again = await new.client.send(to=bob.identity, text="back", wait="delivered", timeout=20)
        assert again["status"] == "delivered"
        assert await bob.heard(2) == ["hello", "back"]
