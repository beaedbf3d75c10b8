"""A backup is restored while the device that made it lives, or twice: two hold one key.

One of them goes on, the one that took over last. The other is refused before it can publish, and no member sees a
sequence twice.
"""

from pathlib import Path

from peerpost_daemon.backups.keeping import Keeping
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.link import LinkState
from peerpost_protocol.frames import Attestation, CardState
from tests.support.accounts import account
from tests.support.daemons import Owner, as_account, daemon_of, reached
from tests.support.relay_client import now_ms
from tests.support.relay_server import running_relay

ALICE, BOB = "alice@example.org", "bob@example.org"
SECRET = "a passphrase of a backup"


async def restored(daemon: Daemon, file: Path) -> None:
    await Keeping(daemon).from_file(file, SECRET, None)


async def test_the_old_device_is_refused_and_the_chain_goes_on_unbroken(tmp_path: Path) -> None:
    file = tmp_path / "alice.backup"
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "bob", BOB, relay.url) as bob,
        daemon_of(tmp_path / "old", relay.url, Owner(ALICE)) as old,
        daemon_of(tmp_path / "new", relay.url, None) as new,
    ):
        await bob.online()
        await reached(old)
        alice = as_account(old)
        channel = await alice.channel("ops", BOB)
        await alice.outgoing(await alice.send(channel, "before"), "delivered")
        await Keeping(old).to_file(file, SECRET, with_messages=True)
        await alice.outgoing(await alice.send(channel, "after the backup"), "delivered")
        await restored(new, file)
        await reached(new)
        await reached(old, LinkState.REFUSED)
        assert old.engine.link_status.last_error is not None
        assert old.engine.link_status.last_error.kind == "card_taken_over"
        await alice.send(channel, "by the old device")
        again = as_account(new)
        await again.outgoing(await again.send(channel, "by the new one"), "delivered")
        await bob.shows(channel, "before", "after the backup", "by the new one")
        assert await bob.reasons() == []


async def test_of_two_restorations_of_one_backup_the_first_has_the_card(tmp_path: Path) -> None:
    file = tmp_path / "alice.backup"
    async with running_relay(tmp_path / "relay") as relay:
        async with daemon_of(tmp_path / "old", relay.url, Owner(ALICE)) as old:
            await reached(old)
            await Keeping(old).to_file(file, SECRET, with_messages=True)
        async with (
            daemon_of(tmp_path / "first", relay.url, None) as first,
            daemon_of(tmp_path / "second", relay.url, None) as second,
        ):
            await restored(first, file)
            await reached(first)
            await restored(second, file)
            await reached(second, LinkState.REFUSED)
            await reached(first)


async def test_an_empty_machine_restores_from_the_relay_and_reads_the_history_again(
    tmp_path: Path,
) -> None:
    fresh = Owner(ALICE)
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "bob", BOB, relay.url) as bob,
    ):
        await bob.online()
        async with daemon_of(tmp_path / "old", relay.url, Owner(ALICE)) as old:
            await reached(old)
            alice = as_account(old)
            channel = await alice.channel("ops", BOB)
            await alice.outgoing(await alice.send(channel, "mine"), "delivered")
            await bob.follows(channel)
            await bob.outgoing(await bob.send(channel, "hello"), "delivered")
            await Keeping(old).to_relay(SECRET, with_messages=False)
        waiting = CardState.UNENDORSED  # as a card is that has proven its identity, and no more
        await relay.store.write(
            [lambda t: t.add_card(fresh.card, Attestation.VERIFIED, now_ms(), state=waiting)]
        )
        async with daemon_of(tmp_path / "new", relay.url, fresh) as new:
            await reached(new)
            await Keeping(new).from_relay(SECRET)
            await reached(new)
            again = as_account(new)
            await again.shows(channel, "hello")
            await again.outgoing(await again.send(channel, "back"), "delivered")
            await bob.shows(channel, "mine", "back")
            assert await bob.reasons() == []
            assert await again.reasons() == []
