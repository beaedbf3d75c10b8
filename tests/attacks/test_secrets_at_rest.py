"""What a thief of disks, logs, memory and wires finds: no text, no content key, no private key.

Sentinels are planted in texts, data, names of channels, the passphrase and the token. Private keys
and content keys are taken out of the vaults with their passphrases, to look for them elsewhere.
Each place must also hold something harmless that is known to be there: else the search is blind.
"""

import asyncio
import os
import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from peerpost_daemon.records import account as accounts
from peerpost_daemon.records.account import Account
from peerpost_daemon.vault import keyfile
from peerpost_daemon.vault.connection import READER, connect
from peerpost_protocol import envelope as envelopes
from peerpost_protocol.errors import ProtocolError
from tests.support.processes import free_port
from tests.support.searching import files_below, forms, found_in, memory_of
from tests.support.site import DaemonProcess, Site
from tests.support.wire_recorder import WireRecorder, unmasked


def sentinel(name: str) -> str:
    """Return words that stand nowhere by chance."""
    return f"sentinel-{name}-{secrets.token_hex(12)}"


@dataclass
class Loot:
    """Be what a thief takes, and what must not be in it."""

    relay_files: bytes
    relay_log: bytes
    relay_memory: bytes | None
    daemon_files: bytes
    daemon_logs: bytes
    wire: bytes
    sayings: dict[str, bytes]
    keys: dict[str, bytes] = field(default_factory=dict)

    @property
    def secret(self) -> dict[str, bytes]:
        """Return all that must stand nowhere but inside an open vault."""
        return self.sayings | self.keys


def opened(daemon: DaemonProcess) -> tuple[bytes, Account]:
    """Return the database's key and the account of a daemon that is stopped."""
    sealed = (daemon.data / "vault.key").read_bytes()
    key = keyfile.unseal(sealed, daemon.passphrase)
    with closing(connect(daemon.data / "vault.db", key, READER)) as database:
        account = accounts.find(database)
    assert account is not None
    return key, account


def private_keys(daemon: DaemonProcess) -> Iterator[tuple[str, bytes]]:
    """Yield every key of a daemon that is stopped."""
    key, _ = opened(daemon)
    yield f"{daemon.identity}: database key", key
    with closing(connect(daemon.data / "vault.db", key, READER)) as database:
        columns = "SELECT signing_seed, encryption_private FROM account"
        seed, private = database.execute(columns).fetchone()
    yield f"{daemon.identity}: signing seed", seed
    yield f"{daemon.identity}: decryption key", private


def content_keys(
    relay: Path, sender: Account, reader: Account, private: bytes
) -> Iterator[tuple[str, bytes]]:
    """Yield the keys of every message of one sender that the relay holds, as a receiver has them."""
    with closing(sqlite3.connect(relay / "relay.sqlite")) as database:
        bodies = [row[0] for row in database.execute("SELECT body FROM items WHERE body NOTNULL")]
    taken: list[bytes] = []
    real = envelopes._expand

    def expand(secret: bytes, label: bytes) -> bytes:
        taken.extend((secret, real(secret, label)))
        return taken[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(envelopes, "_expand", expand)
        for body in bodies:
            try:
                envelope = envelopes.verify_envelope(envelopes.parse_envelope(body), sender.card)
            except ProtocolError:
                continue  # a roster event, or somebody else's
            envelopes.unseal(envelope, reader.card.id, private)
    # Each message expands twice: to the public commitment, then to the key.
    messages = range(0, len(taken), 4)
    for first in messages:
        yield f"content secret {first}", taken[first]
        yield f"content key {first}", taken[first + 3]


def memory_if_allowed(pid: int) -> bytes | None:
    """Return a process's memory, None where only root may look at it."""
    try:
        return memory_of(pid)
    except (PermissionError, FileNotFoundError):
        return None


async def converse(alice: DaemonProcess, bob: DaemonProcess, words: dict[str, str]) -> None:
    """Say every sentinel over the relay, in each of the ways there are."""
    made = await alice.client.channel_create("plain", [bob.identity])
    await bob.joined(made["channel"])
    await alice.client.send(channel="plain", text=words["text"], wait="delivered")
    data = words["data"].encode()
    await bob.client.send(to=alice.identity, data=data, media_type="text/plain", wait="delivered")
    key = words["key"]
    await alice.client.send(to=bob.identity, text=words["direct"], idempotency_key=key)
    await bob.heard(2)


@pytest.fixture
async def loot(tmp_path: Path) -> AsyncIterator[Loot]:
    """Let two daemons converse over a tapped wire, and steal what there is."""
    words = {name: sentinel(name) for name in ("text", "data", "direct", "key")}
    site = Site(tmp_path / "site")
    async with site, WireRecorder(free_port(), site.relay.port) as wire:
        await site.relay.start()
        alice, bob = (
            site.daemon(name, relay=wire.url, passphrase=sentinel("passphrase"))
            for name in ("alice", "bob")
        )
        token = await site.relay.token()
        for daemon in (alice, bob):
            await daemon.start()
            await daemon.client.register(daemon.identity, token=token)
        await converse(alice, bob, words)
        folders = (alice.data, bob.data)
        logs = (alice.process.log, bob.process.log)
        sayings = {name: word.encode() for name, word in words.items()}
        sayings |= {f"passphrase of {d.identity}": d.passphrase.encode() for d in (alice, bob)}
        memory = memory_if_allowed(site.relay.process.pid)
        relay_files = files_below(site.relay.folder)
        daemon_files = files_below(*folders)
        await asyncio.gather(alice.kill(), bob.kill(), site.relay.process.kill())
        found = Loot(
            relay_files=relay_files + files_below(site.relay.folder),
            relay_log=files_below(site.relay.process.log),
            relay_memory=memory,
            daemon_files=daemon_files + files_below(*folders),
            daemon_logs=files_below(*logs),
            wire=wire.heard(),
            sayings=sayings,
        )
        found.keys = dict([*private_keys(alice), *private_keys(bob)])
        (_, sender), (_, reader) = opened(alice), opened(bob)
        private = found.keys[f"{bob.identity}: decryption key"]
        content = dict(content_keys(site.relay.folder, sender, reader, private))
        assert len(content) == 4  # of two messages by alice
        found.keys |= content
        found.sayings["token"] = token.encode()
        yield found


async def test_nothing_secret_is_anywhere_outside_an_open_vault(loot: Loot) -> None:
    assert b"alice@example.org" in loot.relay_files
    assert found_in(loot.relay_files, loot.secret) == set()
    assert b"listening on" in loot.relay_log
    assert found_in(loot.relay_log, loot.secret) == set()
    assert b"the vault is open" in loot.daemon_logs
    assert found_in(loot.daemon_logs, loot.secret) == set()
    assert b"peerpost vault key" in loot.daemon_files
    assert found_in(loot.daemon_files, loot.secret) == set()
    # Names and cards are no secret of the relay, but the vault hides these too.
    assert found_in(loot.daemon_files, {"identity": b"alice@example.org"}) == set()
    # A token is for the relay to read; on a wire of its own it would travel inside TLS.
    untold = {name: secret for name, secret in loot.secret.items() if name != "token"}
    assert found_in(loot.wire, {"identity": b"alice@example.org", **loot.secret}) == {
        "identity",
        "token",
    }
    if loot.relay_memory is None:
        pytest.skip("reading the relay's memory needs root; all other places are clean")
    assert b"alice@example.org" in loot.relay_memory
    assert found_in(loot.relay_memory, untold) == set()


def test_the_search_finds_a_secret_in_every_form() -> None:
    secret = os.urandom(32)
    for form in forms(secret):
        assert found_in(b"before " + form + b" after", {"it": secret}) == {"it"}
    assert found_in(os.urandom(1_000_000), {"it": secret}) == set()


def test_the_tap_takes_the_mask_off() -> None:
    payload, mask = b"under a mask" * 20, b"\x01\x80\xff\x07"
    masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
    frame = bytes([0x82, 0x80 | 126]) + len(payload).to_bytes(2) + mask + masked
    stream = b"GET / HTTP/1.1\r\n\r\n" + frame + frame
    assert unmasked(stream).count(payload) == 2
