"""A message that waits for its time goes when that has come, and not before; also after a restart."""

from pathlib import Path

from peerpost_daemon.records import outbox
from peerpost_daemon.records.outgoing import OutboxState
from tests.support.accounts import account, now_ms
from tests.support.relay_server import running_relay

ALICE, BOB = "alice@example.org", "bob@example.org"


async def test_it_goes_when_it_is_due_after_a_restart_too(tmp_path: Path) -> None:
    async with running_relay(tmp_path / "relay") as relay:
        async with (
            account(tmp_path / "alice", ALICE, relay.url) as alice,
            account(tmp_path / "bob", BOB, relay.url) as bob,
        ):
            await bob.online()
            channel = await alice.channel("ops", BOB)
            await bob.follows(channel)
            message = await alice.send(channel, "later", due_ms=now_ms() + 700)
            await alice.send(channel, "now")
            await bob.shows(channel, "now")
            row = await alice.read(lambda db: outbox.find(db, message))
            assert row is not None
            assert row.state is OutboxState.QUEUED
        async with (
            account(tmp_path / "alice", ALICE, relay.url) as alice,
            account(tmp_path / "bob", BOB, relay.url) as bob,
        ):
            await bob.shows(channel, "now", "later")
            row = await alice.outgoing(message, "delivered")
            assert (row.sent_at_ms or 0) >= (row.not_before_ms or 0) > 0
