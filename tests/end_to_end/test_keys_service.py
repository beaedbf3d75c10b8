"""The keys service from end to end, by commands: prove by mail, talk, back up, lose the machine, and be there again."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.account import vault_of
from tests.support.mailbox import Mailbox, mailbox
from tests.support.processes import Finished
from tests.support.site import DaemonProcess, Site, private_file

SECRET = "a passphrase of a backup"
MAIL = """
[mail]
host = "127.0.0.1"
port = {port}
security = "plain"
sender = "relay@example.org"
"""


class Office:
    """Be a relay that lets in who proves an identity, and the mailbox of everybody."""

    def __init__(self, site: Site, box: Mailbox) -> None:
        self.site = site
        self.box = box
        self.codes = 0

    async def daemon(self, name: str) -> DaemonProcess:
        daemon = self.site.daemon(name)
        await daemon.start()
        return daemon

    async def prove(self, daemon: DaemonProcess, *first: str) -> None:
        """Let a daemon ask for its identity by a command, be refused and mailed a code, and bring that."""
        refused = await daemon.peerpost(*first)
        assert refused.code != 0
        assert "peerpost prove" in refused.err, refused.err
        self.codes += 1
        recipient, _ = await self.box.mail(self.codes)
        assert recipient == (await daemon.client.account_show())["identity"]
        shown = await done(daemon, "prove", await self.box.code(self.codes))
        assert "verified" in shown.out


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with mailbox() as box, Site(tmp_path / "site") as site:
        file = private_file(tmp_path / "relay.toml", MAIL.format(port=box.port))
        site.relay.options = ("--config", file)
        await site.relay.start()
        yield Office(site, box)


async def done(daemon: DaemonProcess, *arguments: str) -> Finished:
    """Run a command that must succeed."""
    finished = await daemon.peerpost(*arguments)
    assert finished.code == 0, finished.err
    return finished


async def proven(office: Office, name: str) -> DaemonProcess:
    """Return a daemon whose identity was registered and proven."""
    daemon = await office.daemon(name)
    await office.prove(daemon, "register", daemon.identity)
    return daemon


async def verified(one: DaemonProcess, other: DaemonProcess) -> None:
    """Let one compare its safety number with what the other shows."""
    number = (await other.client.contact_safety_number(one.identity))["safety_number"]
    await done(one, "verify", other.identity, "--match", number)


async def test_an_account_survives_the_loss_of_its_machine(office: Office, tmp_path: Path) -> None:
    alice, bob = await proven(office, "alice"), await proven(office, "bob")
    first = await alice.client.send(to=bob.identity, text="before", wait="delivered", timeout=20)
    await bob.client.send(to=alice.identity, text="answer", wait="delivered", timeout=20)
    await verified(alice, bob)
    await verified(bob, alice)
    await done(alice, "devices", "rotate")
    first_secret = str(private_file(tmp_path / "first", "the passphrase of before"))
    secret = str(private_file(tmp_path / "secret", SECRET))
    await done(alice, "backup", "--passphrase-file", first_secret)
    await done(alice, "backup", "--new-passphrase", "--passphrase-file", secret)
    card = (await alice.client.card_show())["card"]
    await alice.kill()
    shutil.rmtree(alice.folder)
    await bob.client.send(to=alice.identity, text="while she was gone", wait="sent", timeout=20)

    new = await office.daemon("machine")
    await office.prove(new, "link", alice.identity)
    wrong = await new.peerpost("restore", "--passphrase-file", first_secret)
    assert wrong.code != 0
    assert "passphrase" in wrong.err
    assert (
        "alice@example.org restored"
        in (await done(new, "restore", "--passphrase-file", secret)).out
    )

    assert (await new.client.card_show())["card"] == card
    assert await new.heard(1) == ["while she was gone"]
    await new.client.send(to=bob.identity, text="back", wait="delivered", timeout=20)
    said = ["before", "answer", "while she was gone", "back"]
    assert first["channel"] is not None
    for member in (new, bob):
        found = await vault_of(member.client, first["channel"])
        assert [m["text"] for m in found] == said
    assert (await bob.client.contact_show(alice.identity))["state"] == "verified"
    assert (await new.client.contact_show(bob.identity))["state"] == "verified"

    fetches = (await new.client.backup_show())["fetches"]
    assert [fetch["version"] for fetch in fetches] == [1, 1]  # the wrong passphrase is a fetch too
    await done(new, "backup", "--destroy")
    assert "keeps no backup" in (await done(new, "backup", "--show")).out


async def test_who_registers_what_is_taken_is_told_after_the_proof_and_links(
    office: Office,
) -> None:
    alice, phone = await proven(office, "alice"), await office.daemon("phone")
    await phone.peerpost("register", alice.identity)
    office.codes += 1
    taken = await phone.peerpost("prove", await office.box.code(office.codes))
    assert (taken.code, "link this one" in taken.err) == (6, True), taken
    await office.prove(phone, "link", alice.identity)
    devices = (await phone.client.account_devices())["devices"]
    (code,) = [device["code"] for device in devices if device["this"]]
    assert code is not None
    approved = await done(alice, "devices", "approve", *code.split())
    assert approved.out.count("live") == 2
