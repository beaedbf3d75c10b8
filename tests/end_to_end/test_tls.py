"""A team behind a relay that speaks TLS itself, by an authority of its own: from invitation to first message."""

from pathlib import Path

from tests.support.processes import run
from tests.support.site import DaemonProcess, Site
from tests.support.tls_terminator import issue


async def secured(site: Site, folder: Path) -> tuple[str, Path]:
    """Start the relay with a certificate; return where it is reached, and its authority."""
    certificate, key = folder / "relay.pem", folder / "relay.key"
    issue(certificate, key)
    files = ("--set", f"tls.certificate={certificate}", "--set", f"tls.key={key}")
    where = ("--data", site.relay.folder, "--listen", f"127.0.0.1:{site.relay.port}")
    line = await site.relay.process.start("serve", *where, *files)
    assert line.startswith("listening on wss://")
    return f"wss://localhost:{site.relay.port}", certificate


async def started(site: Site, name: str, authority: Path) -> DaemonProcess:
    daemon = site.daemon(name)
    where = ("--data", daemon.data, "--socket", daemon.socket)
    await daemon.process.start(*where, "--set", f"ca_file={authority}")
    return daemon


async def test_who_joins_by_an_invitation_speaks_through_tls(site: Site, tmp_path: Path) -> None:
    address, authority = await secured(site, tmp_path)
    invited = await run(
        "peerpost-relay", "invite", "--data", site.relay.folder, "--address", address,
        "--identity", "*@example.org", "--uses", "2",
    )  # fmt: skip
    alice, bob = [await started(site, name, authority) for name in ("alice", "bob")]
    for daemon in (alice, bob):
        secret = ("--passphrase-file", str(daemon.passphrase_file))
        joining = ("join", "-", "--as", daemon.identity, *secret)
        joined = await daemon.peerpost(*joining, stdin=invited.out.encode())
        assert (joined.code, joined.err) == (0, "")
    sent = await alice.peerpost("send", bob.identity, "hello", "--wait", "delivered")
    assert sent.code == 0, sent.err
    assert await bob.heard(1) == ["hello"]
    checks = {check["check"]: check["result"] for check in (await bob.client.doctor())["checks"]}
    assert checks["tls"] == "warning"  # the certificate ends tomorrow
    assert checks["relay"] == checks["relay_key"] == "ok"
