"""A team in two lines: an invitation, and whoever joins by it."""

from tests.support.processes import run
from tests.support.site import DaemonProcess, Site

REFUSED = 6


async def invitation(site: Site) -> str:
    await site.relay.start()
    invited = await run(
        "peerpost-relay", "invite", "--data", site.relay.folder, "--address", site.relay.url,
        "--identity", "*@example.org", "--uses", "2",
    )  # fmt: skip
    assert invited.code == 0, invited.err
    return invited.out


async def started(site: Site, name: str) -> DaemonProcess:
    daemon = site.daemon(name, relay="ws://127.0.0.1:1")  # the invitation says where to go
    await daemon.start(locked=True)
    return daemon


def joining(daemon: DaemonProcess) -> tuple[str, ...]:
    return ("join", "-", "--as", daemon.identity, "--passphrase-file", str(daemon.passphrase_file))


async def test_who_is_invited_joins_and_is_heard(site: Site) -> None:
    line = await invitation(site)
    alice, bob = await started(site, "alice"), await started(site, "bob")
    for daemon in (alice, bob):
        joined = await daemon.peerpost(*joining(daemon), stdin=line.encode())
        assert (joined.code, joined.err) == (0, "")
        assert "registered" in joined.out
    sent = await alice.peerpost("send", bob.identity, "hello", "--wait", "delivered")
    assert sent.code == 0, sent.err
    assert await bob.heard(1) == ["hello"]
    token = line.strip().rpartition("=")[2]
    assert token not in alice.process.log.read_text() + bob.process.log.read_text()


async def test_a_relay_with_another_key_is_told_nothing(site: Site) -> None:
    line = await invitation(site)
    key = line.partition("&key=")[2][:64]
    alice = await started(site, "alice")
    forged = line.replace(key, "00" * 32).encode()
    joined = await alice.peerpost(*joining(alice), stdin=forged)
    assert joined.code == REFUSED
    assert "another key than the one known" in joined.err
    listed = await run("peerpost-relay", "card", "list", "--data", site.relay.folder)
    assert listed.out == ""
    joined = await alice.peerpost(*joining(alice), stdin=line.encode())
    assert joined.code == 0, joined.err
