"""Somebody else's relay answers at the address: the machine was taken over, or the name leads elsewhere.

The first relay's key is pinned. The other one is told nothing: no card, no message; what waits stays in the outbox, and
an event says why.
"""

from pathlib import Path

from tests.attacks.scene import ALICE
from tests.support.accounts import account
from tests.support.malicious_relay import malicious_relay


async def test_another_relay_at_the_same_address_gets_nothing(tmp_path: Path) -> None:
    async with malicious_relay(tmp_path / "first") as first:
        url, port = first.url, int(first.url.rpartition(":")[2])
        async with account(tmp_path / "alice", ALICE, url) as alice:
            await alice.online()
    async with (
        malicious_relay(tmp_path / "other", port) as other,
        account(tmp_path / "alice", ALICE, url) as alice,
    ):
        message = await alice.send("bob@example.org", "secret")
        event = await alice.told("link", state="waiting")
        assert event["detail"] == "relay_key_changed"
        await alice.outgoing(message, "queued")
        cards = await other._store.read(lambda s: s.live_records(ALICE, 10))
        assert cards == []
