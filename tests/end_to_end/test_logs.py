"""What both services write to their logs while people talk: lines that machines read, and no secret among them."""

import json
import logging
from pathlib import Path

import pytest

from tests.support.site import Site

LOUD = ("--log-level", "debug")
TEXT = "sentinel-text-7d1f"


async def talked(site: Site, form: str) -> tuple[str, list[str]]:
    """Return the logs of a relay and a daemon that were as loud as they can, and what must not be in them."""
    loud = (*LOUD, "--log-format", form)
    relay = site.relay
    where = ("--data", relay.folder, "--listen", f"127.0.0.1:{relay.port}")
    await relay.process.start("serve", *where, "--log-format", form, "--set", "log_level=debug")
    alice = site.daemon("alice")
    token = await relay.token()
    await alice.process.start(
        *("--data", alice.data, "--socket", alice.socket, "--relay", relay.url),
        *("--passphrase-file", alice.passphrase_file, *loud),
    )
    await alice.client.register(alice.identity, token=token)
    await alice.client.send(to="bob@example.org", text=TEXT)
    await alice.client.lock()
    await alice.client.unlock(alice.passphrase)
    await alice.stop()
    assert await relay.process.stop() == 0
    seed = (relay.folder / "relay.key").read_bytes().hex()
    logs = relay.process.log.read_text() + alice.process.log.read_text()
    return logs, [token, alice.passphrase, TEXT, seed]


@pytest.mark.parametrize("form", ["text", "json"])
async def test_logs_hold_no_secret_however_loud_they_are(tmp_path: Path, form: str) -> None:
    async with Site(tmp_path / "site") as site:
        logs, secrets = await talked(site, form)
    assert "the vault is open" in logs
    assert [secret for secret in secrets if secret in logs] == []
    if form == "json":
        levels = {json.loads(line)["level"] for line in logs.splitlines()}
        assert levels <= {name.lower() for name in logging.getLevelNamesMapping()}
