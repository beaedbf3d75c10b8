"""An account on an empty machine: backed up and restored by command, with the costs as installed."""

from pathlib import Path

from tests.support.site import EVENT_SECONDS, DaemonProcess, Site, private_file

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


async def restored(site: Site, name: str, *arguments: str) -> DaemonProcess:
    """Return a new machine on which a backup was restored."""
    machine = site.daemon(name)
    await machine.start()
    done = await machine.peerpost("restore", *arguments)
    assert done.code == 0, done.err
    return machine


async def test_of_two_machines_restored_from_one_backup_one_goes_on_and_the_other_is_told(
    tmp_path: Path,
) -> None:
    async with Site(tmp_path / "site") as site:
        await site.relay.start()
        alice, bob = await site.members("alice", "bob")
        await alice.client.send(to=bob.identity, text="before", wait="delivered", timeout=20)
        secret = str(private_file(tmp_path / "secret", SECRET))
        file = ("--passphrase-file", secret)
        made = await alice.peerpost("backup", "--to", str(tmp_path / "b"), *file)
        assert made.code == 0, made.err
        first = await restored(site, "first", "--from", str(tmp_path / "b"), *file)
        await first.client.send(to=bob.identity, text="by the first", wait="delivered", timeout=20)
        second = await restored(site, "second", "--from", str(tmp_path / "b"), *file)
        for late in (alice, second):
            await late.event("link", state="refused", detail="card_taken_over")
            status = await late.peerpost("status")
            assert "the card was restored elsewhere" in status.out
            await late.client.send(to=bob.identity, text="by another", wait="queued")
        await first.restart()
        await second.restart()
        await second.event("link", state="refused", detail="card_taken_over")
        await first.client.send(to=bob.identity, text="again", wait="delivered", timeout=20)
        said, kinds = await until_heard(bob, "again")
        assert said == ["before", "by the first", "again"]
        assert "quarantine" not in kinds


async def until_heard(daemon: DaemonProcess, text: str) -> tuple[list[str], set[str]]:
    """Return what others said up to a text, and the kinds of all events up to then."""
    said: list[str] = []
    kinds: set[str] = set()
    async with daemon.client.listen(from_="start", timeout=EVENT_SECONDS) as events:
        while text not in said:
            event = await anext(events)
            kinds.add(event["kind"])
            if event["kind"] == "message":
                said.append(str(event["data"]["text"]))
    return said, kinds
