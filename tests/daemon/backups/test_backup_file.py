"""account.backup and account.restore by a file, over the socket and on real vaults."""

import os
import stat
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import backup, channels, contacts, policies
from peerpost_daemon.records.account import Account
from peerpost_daemon.trust import Policy
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.chain import Link
from tests.daemon.methods.house import ALICE, BOB, RELAY, House, house, message_by
from tests.support.people import digest

PASSPHRASE = "a passphrase of a backup"


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def old(tmp_path: Path, stack: AsyncExitStack) -> House:
    """Return Alice's daemon with a channel, a contact, messages and a chain of her own."""
    made = await stack.enter_async_context(house(tmp_path / "old"))
    await made.open()
    await made.met(BOB)
    channel = await made.channel(BOB)
    await made.arrived(message_by(BOB, channel, "hello"))
    await made.daemon.write(lambda db: _as_if_sent(db, channel))
    return made


def _as_if_sent(db: SqlConnection, channel: bytes) -> None:
    channels.set_own(db, channel, Link(4, digest("four")))
    channels.set_sent(db, channel, Link(3, digest("three")))
    channels.advance(db, channel, 9)


@pytest.fixture
async def new(tmp_path: Path, stack: AsyncExitStack) -> House:
    made = await stack.enter_async_context(house(tmp_path / "new"))
    await made.open(account=False)
    return made


async def backed_up(made: House, folder: Path, **params: object) -> str:
    file = str(folder / "alice.backup")
    await made.result("account.backup", passphrase=PASSPHRASE, file=file, **params)
    return file


async def the_account(made: House) -> Account:
    found = await made.daemon.read(accounts.find)
    assert found is not None
    return found


async def test_an_empty_vault_becomes_the_account_again(
    old: House, new: House, tmp_path: Path
) -> None:
    file = await backed_up(old, tmp_path)
    done = await new.result("account.restore", passphrase=PASSPHRASE, file=file)
    assert (done["identity"], done["contacts"], done["channels"], done["messages"]) == (
        ALICE.identity,
        1,
        1,
        1,
    )
    before, after = await the_account(old), await the_account(new)
    assert (after.card.id, after.relay) == (before.card.id, RELAY)
    assert await new.result("contact.list") == await old.result("contact.list")
    (channel,) = (await new.result("channel.list"))["channels"]
    shown = await new.result("message.list", channel=channel["channel"])
    assert [one["text"] for one in shown["messages"]] == ["hello"]


async def test_a_chain_goes_on_behind_what_was_sealed_and_the_stream_behind_its_cursor(
    old: House, new: House, tmp_path: Path
) -> None:
    file = await backed_up(old, tmp_path)
    await new.result("account.restore", passphrase=PASSPHRASE, file=file)
    (channel,) = await new.daemon.read(channels.everything)
    assert channel.own == channel.sent == Link(4, digest("four"))
    assert channel.cursor == 9


async def test_without_messages_the_stream_is_read_from_its_beginning(
    old: House, new: House, tmp_path: Path
) -> None:
    file = await backed_up(old, tmp_path, messages=False)
    done = await new.result("account.restore", passphrase=PASSPHRASE, file=file)
    assert done["messages"] == 0
    (channel,) = await new.daemon.read(channels.everything)
    assert (channel.cursor, channel.joined_late) == (0, True)
    assert channel.own == Link(4, digest("four"))


async def test_a_restored_card_has_the_next_holder(old: House, new: House, tmp_path: Path) -> None:
    file = await backed_up(old, tmp_path)
    await new.result("account.restore", passphrase=PASSPHRASE, file=file)
    holder = await new.daemon.read(backup.holder)
    assert holder is not None
    assert (holder.number, len(holder.mark)) == (1, 16)


async def test_versions_go_up_also_after_a_restoration(
    old: House, new: House, tmp_path: Path
) -> None:
    await backed_up(old, tmp_path)
    file = await backed_up(old, tmp_path)
    await new.result("account.restore", passphrase=PASSPHRASE, file=file)
    again = str(tmp_path / "again")
    made = await new.result("account.backup", passphrase=PASSPHRASE, file=again)
    assert made["version"] == 3
    assert (made["place"], made["file"], made["bytes"]) == ("file", again, os.stat(again).st_size)  # noqa: PTH116


async def test_the_file_is_private_and_names_nobody(old: House, tmp_path: Path) -> None:
    _private(Path(await backed_up(old, tmp_path)))


def _private(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    data = file.read_bytes()
    for secret in (b"alice", b"bob", b"hello", ALICE.card.body.signing_key, PASSPHRASE.encode()):
        assert secret not in data
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == ["alice.backup"]


@pytest.mark.parametrize("foreign", ["file", "link", "folder"])
async def test_nothing_but_a_backup_is_replaced(old: House, tmp_path: Path, foreign: str) -> None:
    place, other = tmp_path / "alice.backup", tmp_path / "other"
    other.write_text("not yours")
    if foreign == "file":
        place.write_text("not yours")
    elif foreign == "link":
        place.symlink_to(other)
    else:
        place.mkdir()
    data = await old.error("account.backup", passphrase=PASSPHRASE, file=str(place))
    assert (data["kind"], data["field"]) == ("invalid_params", "file")
    assert other.read_text() == "not yours"


async def test_a_wrong_passphrase_restores_nothing(old: House, new: House, tmp_path: Path) -> None:
    file = await backed_up(old, tmp_path)
    data = await new.error("account.restore", passphrase="a wrong passphrase", file=file)
    assert data["kind"] == "wrong_passphrase"
    assert await new.daemon.read(accounts.find) is None


async def test_a_vault_that_is_in_use_is_not_restored_into(old: House, tmp_path: Path) -> None:
    file = await backed_up(old, tmp_path)
    data = await old.error("account.restore", passphrase=PASSPHRASE, file=file)
    assert data["kind"] == "account_exists"


async def test_a_short_passphrase_is_refused(old: House, tmp_path: Path) -> None:
    file = str(tmp_path / "alice.backup")
    data = await old.error("account.backup", passphrase="short", file=file)
    assert (data["kind"], data["field"]) == ("invalid_params", "passphrase")


@pytest.mark.parametrize("file", ["alice.backup", "/nowhere/alice.backup"])
async def test_a_file_that_cannot_be_is_named(old: House, file: str) -> None:
    data = await old.error("account.backup", passphrase=PASSPHRASE, file=file)
    assert (data["kind"], data["field"]) == ("invalid_params", "file")


async def test_pins_verdicts_and_policies_are_kept(old: House, new: House, tmp_path: Path) -> None:
    await old.daemon.write(_judged)
    file = await backed_up(old, tmp_path)
    await new.result("account.restore", passphrase=PASSPHRASE, file=file)
    found = await new.daemon.read(lambda db: contacts.find(db, BOB.identity))
    assert found is not None
    assert (found.state.value, found.alias, found.policy) == ("blocked", "bobby", Policy.PIN)
    assert found.cards[0].card.id == BOB.card.id
    (channel,) = await new.daemon.read(channels.everything)
    kept = await new.daemon.read(lambda db: policies.of_channel(db, channel.id))
    assert kept is Policy.VERIFIED_ONLY


def _judged(db: SqlConnection) -> None:
    db.execute("UPDATE contact SET state = 'blocked', alias = 'bobby', policy = 'pin'")
    db.execute("UPDATE channel SET policy = 'verified-only'")
