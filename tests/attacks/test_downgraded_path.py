"""Somebody on the path shows an expired or an unknown certificate in the place of the relay's, or takes TLS away.

The daemon tells such a path nothing: no card, no token. What is to be sent waits, `peerpost health` says why, and it
goes once the certificate is right.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost.errors import UsageError
from tests.support.processes import run
from tests.support.site import DaemonProcess, Site
from tests.support.tls_terminator import TlsTerminator


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Site(tmp_path / "site") as site:
        await site.relay.start()
        yield site


async def trusting(site: Site, tls: TlsTerminator, authorities: Path | None) -> DaemonProcess:
    """Return a daemon that speaks to the relay through this TLS, and trusts these authorities."""
    alice = site.daemon("alice", relay=f"wss://localhost:{tls.port}")
    file = ("--set", f"ca_file={authorities}") if authorities else ()
    await alice.process.start(
        *("--data", alice.data, "--socket", alice.socket, "--relay", alice.relay, *file),
        *("--passphrase-file", alice.passphrase_file),
    )
    return alice


async def told_nothing(site: Site, alice: DaemonProcess) -> str | None:
    """Register; return why the link is down. The relay must have heard of no card."""
    account = await alice.client.register(alice.identity, token=await site.relay.token(), timeout=0)
    assert account["state"] == "pending"
    event = await alice.event("link", state="waiting")
    listed = await run("peerpost-relay", "card", "list", "--data", site.relay.folder)
    assert listed.out == ""
    detail = event["data"]["detail"]
    assert isinstance(detail, str)
    return detail


async def test_an_expired_certificate_is_told_nothing(site: Site, tmp_path: Path) -> None:
    async with TlsTerminator(tmp_path, site.relay.port, days=-1) as tls:
        alice = await trusting(site, tls, tls.certificate)
        assert await told_nothing(site, alice)
        checks = {check["check"]: check for check in (await alice.client.doctor())["checks"]}
        assert "expired" in checks["tls"]["detail"]


async def test_a_certificate_of_an_unknown_authority_is_told_nothing(
    site: Site, tmp_path: Path
) -> None:
    async with TlsTerminator(tmp_path, site.relay.port) as tls:
        assert await told_nothing(site, await trusting(site, tls, None))


async def test_no_answer_to_tls_is_no_reason_to_do_without(site: Site) -> None:
    """The relay itself speaks plain here: a path that takes TLS away."""
    alice = site.daemon("alice", relay=f"wss://localhost:{site.relay.port}")
    await alice.start()
    assert await told_nothing(site, alice)


async def test_a_plain_address_elsewhere_is_never_taken(site: Site) -> None:
    alice = site.daemon("alice")
    await alice.start()
    with pytest.raises(UsageError):
        await alice.client.register(alice.identity, relay="ws://relay.example.org")
