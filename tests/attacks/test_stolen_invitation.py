"""Somebody has an invitation that was meant for another, read in a mailbox or a process list; or changes one.

It is worth what its token is worth: so many new cards of identities that nobody has yet. It opens no card that is
there, and it ends with its uses. Changed on its way, it leads nobody to another relay unseen: the key in it is checked
before anything is told, and `ws://` to another host is refused.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.processes import Finished, run
from tests.support.site import DaemonProcess, Site

USAGE, REFUSED = 2, 6


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Site(tmp_path / "site") as site:
        await site.relay.start()
        yield site


async def invitation(site: Site, uses: int) -> str:
    invited = await run(
        "peerpost-relay", "invite", "--data", site.relay.folder, "--address", site.relay.url,
        "--identity", "*@example.org", "--uses", str(uses),
    )  # fmt: skip
    assert invited.code == 0, invited.err
    return invited.out


async def started(site: Site, name: str) -> DaemonProcess:
    daemon = site.daemon(name)
    await daemon.start(locked=True)
    return daemon


async def join(daemon: DaemonProcess, line: str, identity: str | None = None) -> Finished:
    given = ("--passphrase-file", str(daemon.passphrase_file))
    joining = ("join", "-", "--as", identity or daemon.identity, *given)
    return await daemon.peerpost(*joining, stdin=line.encode())


async def cards(site: Site) -> str:
    return (await run("peerpost-relay", "card", "list", "--data", site.relay.folder)).out


async def test_a_used_up_invitation_lets_nobody_in(site: Site) -> None:
    line = await invitation(site, 1)
    alice, mallory = await started(site, "alice"), await started(site, "mallory")
    assert (await join(alice, line)).code == 0
    refused = await join(mallory, line)
    assert refused.code == REFUSED
    assert "mallory@" not in await cards(site)


async def test_a_stolen_invitation_takes_over_nobody(site: Site) -> None:
    line = await invitation(site, 5)
    alice, mallory = await started(site, "alice"), await started(site, "mallory")
    assert (await join(alice, line)).code == 0
    assert (await join(mallory, line, alice.identity)).code == REFUSED
    assert (await cards(site)).count(alice.identity) == 1


async def test_a_revoked_invitation_lets_nobody_in(site: Site) -> None:
    line = await invitation(site, 5)
    revoked = await run("peerpost-relay", "token", "revoke", "1", "--data", site.relay.folder)
    assert revoked.code == 0
    assert (await join(await started(site, "mallory"), line)).code == REFUSED
    assert await cards(site) == ""


async def test_an_invitation_that_leads_to_a_plain_address_elsewhere_is_refused(site: Site) -> None:
    line = await invitation(site, 1)
    downgraded = re.sub("relay=[^&]*", "relay=ws%3A%2F%2Frelay.example.org", line)
    alice = await started(site, "alice")
    refused = await join(alice, downgraded)
    assert refused.code == USAGE
    assert "ws://" in refused.err
    assert (await join(alice, line)).code == 0  # the token was not spent, and told nobody
