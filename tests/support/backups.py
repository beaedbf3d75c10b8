"""Backups for tests: cheap to open, the same in every run."""

from hashlib import sha256

from peerpost_protocol.backup import (
    BackupLock,
    BackupRecord,
    ContactCardRecord,
    ContactRecord,
    Cost,
    DeviceRecord,
    Manifest,
    MessageRecord,
    Opener,
    Sealer,
    encode_preamble,
    lock_key,
    make_header,
    parse_preamble,
    unlock_key,
)
from peerpost_protocol.card import DeviceKeys, issue_card

CHEAP = Cost(1, 8 * 1024)
PASSPHRASE = b"correct horse battery staple"
KEY = sha256(b"the data key of the tests").digest()
HEADER = make_header(bytes(range(16)), bytes(range(24)))
SEED, PRIVATE = sha256(b"alice signs").digest(), sha256(b"alice opens").digest()
ALICE = issue_card(DeviceKeys(SEED, PRIVATE), "alice@example.org", "laptop", 1_750_000_000_000)
BOB = issue_card(
    DeviceKeys(sha256(b"bob signs").digest(), sha256(b"bob opens").digest()),
    "bob@example.org",
    "desk",
    1_750_000_000_000,
)


def lock(passphrase: bytes = PASSPHRASE, *, header: bytes = HEADER, key: bytes = KEY) -> BackupLock:
    """Return a lock that costs nearly nothing."""
    return lock_key(key, passphrase, header, CHEAP, salt=bytes(16), nonce=bytes(24))


def manifest(version: int = 1) -> Manifest:
    device = DeviceRecord(ALICE.signed, "laptop", SEED, PRIVATE)
    return Manifest(
        ALICE.identity, version, 1_750_000_005_000, 0, device, None, None, None, messages=True
    )


def contact() -> ContactRecord:
    card = ContactCardRecord(BOB.signed, "pinned", 1_750_000_001_000)
    return ContactRecord(BOB.identity, "verified", 1_750_000_001_000, None, "pin", (card,))


def contact_of(number: int) -> ContactRecord:
    """Return one of many contacts, with a name that takes room and no card."""
    identity = f"contact-{number}-{'x' * 40}@{'y' * 60}.{'z' * 60}.example.org"
    return ContactRecord(identity, "pinned", 1_750_000_001_000, None, None, ())


def message(number: int, size: int = 20) -> MessageRecord:
    """Return a message whose fields have `size` bytes."""
    return MessageRecord(number.to_bytes(16, "big"), None, b"x" * size)


def records(messages: int = 0, size: int = 20) -> list[BackupRecord]:
    return [manifest(), contact(), *(message(number, size) for number in range(1, messages + 1))]


def bulk(found: list[BackupRecord], *, key: bytes = KEY, header: bytes = HEADER) -> bytes:
    sealer = Sealer(key, header)
    return b"".join([*map(sealer.add, found), sealer.finish()])


def whole(found: list[BackupRecord], passphrase: bytes = PASSPHRASE) -> bytes:
    """Return a backup as it stands in a file."""
    return encode_preamble(lock(passphrase), HEADER) + bulk(found)


def opened(
    data: bytes, passphrase: bytes = PASSPHRASE, *, piece: int = 10_000
) -> list[BackupRecord]:
    """Return the records of a backup, read in pieces as from a file."""
    preamble = parse_preamble(data)
    opener = Opener(unlock_key(preamble.lock, passphrase, preamble.header), preamble.header)
    found = []
    for at in range(preamble.size, len(data), piece):
        found += opener.feed(data[at : at + piece])
    return found + opener.finish()
