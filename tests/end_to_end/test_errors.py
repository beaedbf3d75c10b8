"""Each fault has its own error kind, nothing is lost by it, and the daemon lives on."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from peerpost import PeerpostError
from peerpost_daemon.errors import ERROR_CODES
from peerpost_protocol.limits import MAX_TEXT_CHARACTERS
from tests.support.account import vault_of
from tests.support.processes import ProcessError
from tests.support.site import DaemonProcess, Site

HEAD = b'{"jsonrpc":"2.0","id":1,"method":'
NO_CALLS = {
    b"{": "parse_error",
    b"\xff\xfe": "parse_error",
    b"[]": "invalid_request",
    b'{"jsonrpc":"1.0","id":1,"method":"daemon.status"}': "invalid_request",
    HEAD + b'"daemon.dance"}': "method_not_found",
    HEAD + b'"channel.show"}': "invalid_params",
    HEAD + b'"channel.show","params":{"channel":7}}': "invalid_params",
    HEAD + b'"daemon.status","params":{"more":1}}': "invalid_params",
}
Pair = tuple[DaemonProcess, DaemonProcess]
STEP_BYTES = 16 * 1024  # in which a disk is filled


@pytest.fixture
async def alice(site: Site) -> DaemonProcess:
    """Be a daemon with an open vault and an account, and no relay."""
    alice = site.daemon("alice")
    await alice.start()
    await alice.client.register(alice.identity, timeout=0)
    return alice


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a private file system of 3 MB; unmount it afterwards."""
    disk = tmp_path / "disk"
    disk.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", "size=3m,mode=0700", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Take all the space that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * STEP_BYTES):
                pass
        except OSError:
            return ballast
    raise AssertionError("the disk has no end")


async def kind_of(daemon: DaemonProcess, method: str, **params: object) -> str:
    """Return the kind of the error that a call ends with; the daemon must live on."""
    with pytest.raises(PeerpostError) as caught:
        await daemon.client.call(method, **params)
    assert caught.value.data["kind"] == caught.value.kind
    assert (await daemon.client.status())["pid"] == daemon.process.pid
    return caught.value.kind


async def answer(daemon: DaemonProcess, *lines: bytes) -> Any:
    """Return the answer to raw lines on a connection of their own."""
    reader, writer = await asyncio.open_unix_connection(str(daemon.socket))
    try:
        writer.write(b"".join(line + b"\n" for line in lines))
        return json.loads(await reader.readline())
    finally:
        writer.close()
        await writer.wait_closed()


async def test_no_vault_yet(site: Site) -> None:
    alice = site.daemon("alice")
    await alice.start(locked=True)
    assert await kind_of(alice, "account.show") == "no_vault"
    assert await kind_of(alice, "daemon.unlock", passphrase="x") == "no_vault"


async def test_a_locked_vault_and_a_wrong_passphrase(alice: DaemonProcess) -> None:
    sent = await alice.client.send(to="bob@example.org", text="kept")
    await alice.client.lock()
    assert await kind_of(alice, "message.send", to="bob@example.org", text="x") == "locked"
    assert await kind_of(alice, "daemon.unlock", passphrase="guessed") == "wrong_passphrase"
    assert (await alice.client.status())["state"] == "locked"
    await alice.client.unlock(alice.passphrase)
    assert (await alice.client.message_status(sent["message"]))["status"] == "queued"


async def test_a_daemon_with_a_wrong_passphrase_does_not_start(alice: DaemonProcess) -> None:
    await alice.stop()
    alice.passphrase_file.write_text("guessed\n")
    with pytest.raises(ProcessError, match="the passphrase does not open the vault"):
        await alice.start()


async def test_a_vault_is_never_made_over_another(alice: DaemonProcess) -> None:
    made = {"passphrase": "x", "create": True}
    assert await kind_of(alice, "daemon.unlock", **made) == "vault_exists"


async def test_no_account_yet(site: Site) -> None:
    alice = site.daemon("alice")
    await alice.start()
    sending = {"to": "bob@example.org", "text": "x"}
    assert await kind_of(alice, "message.send", **sending) == "no_account"


async def test_an_unknown_identity(pair: Pair) -> None:
    alice, bob = pair
    members = [bob.identity, "nobody@example.org"]
    kind = await kind_of(alice, "channel.create", name="ops", members=members)
    assert kind == "unknown_identity"
    assert (await alice.client.channel_list())["channels"] == []
    waiting = {"to": "nobody@example.org", "text": "x", "wait": "sent", "timeout": 20}
    assert await kind_of(alice, "message.send", **waiting) == "delivery_failed"
    failed = await alice.client.call("contact.list")
    assert "nobody@example.org" not in json.dumps(failed)


async def test_names_and_ids_that_mean_nothing(alice: DaemonProcess) -> None:
    nothing = "00000000-0000-7000-8000-000000000000"
    assert await kind_of(alice, "channel.show", channel="nowhere") == "unknown_channel"
    assert await kind_of(alice, "message.show", message=nothing) == "unknown_message"
    assert await kind_of(alice, "event.ack", consumer="who", cursor=1) == "unknown_consumer"
    assert await kind_of(alice, "contact.show", identity="who@where.org") == "unknown_identity"


async def test_two_channels_of_one_name(pair: Pair) -> None:
    alice, bob = pair
    made = [await alice.client.channel_create("ops", [bob.identity]) for _ in range(2)]
    with pytest.raises(PeerpostError) as caught:
        await alice.client.send(channel="ops", text="which?")
    assert caught.value.kind == "ambiguous_channel"
    candidates = {each["channel"] for each in caught.value.data["candidates"]}
    assert candidates == {each["channel"] for each in made}


async def test_a_text_that_is_too_long_while_the_longest_is_taken(pair: Pair) -> None:
    alice, bob = pair
    longest = "x" * MAX_TEXT_CHARACTERS
    sending = {"to": bob.identity, "text": longest + "x"}
    assert await kind_of(alice, "message.send", **sending) == "too_large"
    await alice.client.send(to=bob.identity, text=longest)
    assert await bob.heard(1) == [longest]
    assert (await alice.client.status())["messages"] == 1


async def test_lines_that_are_no_call(alice: DaemonProcess) -> None:
    for line, kind in NO_CALLS.items():
        error = (await answer(alice, line))["error"]
        assert (error["data"]["kind"], error["code"]) == (kind, ERROR_CODES[kind])
    assert (await alice.client.status())["state"] == "ready"


async def test_a_wrong_parameter_is_named(alice: DaemonProcess) -> None:
    with pytest.raises(PeerpostError) as caught:
        await alice.client.call("message.send", to="not an identity", text="x")
    assert (caught.value.kind, caught.value.data["field"]) == ("invalid_params", "to")


async def test_a_full_disk_loses_nothing_and_is_forgotten_once_there_is_room(
    site: Site, small_disk: Path
) -> None:
    await site.relay.start()
    bob = await site.member("bob")
    alice = site.daemon("alice")
    alice.data = small_disk / "data"
    await alice.start()
    await alice.client.register(alice.identity, token=await site.relay.token())
    await alice.client.send(to=bob.identity, text="before", wait="delivered")
    ballast = fill(small_disk)
    sending = {"to": bob.identity, "text": "x" * 100_000}
    assert await kind_of(alice, "message.send", **sending) == "storage_full"
    ballast.unlink()
    sent = await alice.client.send(to=bob.identity, text="after", wait="delivered")
    assert sent["channel"] is not None
    assert await bob.heard(2) == ["before", "after"]
    texts = [message["text"] for message in await vault_of(alice.client, sent["channel"])]
    assert texts == ["before", "after"]


async def test_what_comes_while_the_disk_is_full_is_there_once_there_is_room(
    site: Site, small_disk: Path
) -> None:
    await site.relay.start()
    alice = await site.member("alice")
    bob = site.daemon("bob")
    bob.data = small_disk / "data"
    await bob.start()
    await bob.client.register(bob.identity, token=await site.relay.token())
    await alice.client.send(to=bob.identity, text="before", wait="delivered")
    ballast = fill(small_disk)
    texts = [f"{number} {'x' * 90_000}" for number in range(3)]
    for text in texts:
        await alice.client.send(to=bob.identity, text=text, wait="sent")
    assert await kind_of(bob, "message.send", to=alice.identity, text="y" * 90_000) == (
        "storage_full"
    )
    ballast.unlink()
    assert await bob.heard(4) == ["before", *texts]
