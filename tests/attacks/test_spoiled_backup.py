"""The relay, or whoever has the file, cuts, swaps, mixes or changes a backup, or asks for all of our memory.

Nothing of it comes into the vault, whatever of it opened before: it stays as empty as it was.
"""

import tracemalloc
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_daemon.backups.keeping import Keeping
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import account as accounts
from peerpost_protocol import limits
from peerpost_protocol.backup import CHUNK, encode_preamble, make_header, parse_preamble
from tests.support import backups
from tests.support.daemons import daemon_of

RELAY = "ws://127.0.0.1:9"
SEALED = CHUNK + 17
SECRET = backups.PASSPHRASE.decode()


def large() -> bytes:
    """Return a backup of several chunks."""
    return backups.whole([backups.manifest(), *map(backups.contact_of, range(900))])


def spoiled(how: str) -> bytes:
    data = large()
    start = parse_preamble(data).size
    preamble, bulk = data[:start], data[start:]
    first, second, rest = bulk[:SEALED], bulk[SEALED : 2 * SEALED], bulk[2 * SEALED :]
    other = make_header(bytes(16), bytes(24))
    return {
        "truncated": data[:-1],
        "without its last chunk": preamble + first + second,
        "swapped": preamble + second + first + rest,
        "doubled": preamble + first + first + second + rest,
        "changed": data[:-100] + bytes([data[-100] ^ 1]) + data[-99:],
        "with another header": encode_preamble(backups.lock(header=other), other) + bulk,
        "a text": b"not a backup at all",
    }[how]


HOW = (
    "truncated",
    "without its last chunk",
    "swapped",
    "doubled",
    "changed",
    "with another header",
    "a text",
)


@pytest.mark.parametrize("how", HOW)
async def test_a_spoiled_backup_leaves_the_vault_empty(tmp_path: Path, how: str) -> None:
    file = tmp_path / "alice.backup"
    file.write_bytes(spoiled(how))
    async with daemon_of(tmp_path / "new", RELAY, None) as daemon:
        with pytest.raises(DaemonError) as caught:
            await Keeping(daemon).from_file(file, SECRET, None)
        assert caught.value.kind == "bad_backup"
        assert await daemon.read(accounts.find) is None
        count = await daemon.read(lambda db: db.execute("SELECT count(*) FROM contact").fetchone())
        assert count == (0,)


async def test_the_same_backup_unspoiled_is_restored(tmp_path: Path) -> None:
    file = tmp_path / "alice.backup"
    file.write_bytes(large())
    async with daemon_of(tmp_path / "new", RELAY, None) as daemon:
        done = await Keeping(daemon).from_file(file, SECRET, None)
        assert done.contacts == 900


@pytest.mark.parametrize(
    "costs",
    [
        {"memlimit": limits.MAX_BACKUP_MEMORY + 1},
        {"memlimit": 2**40},
        {"opslimit": limits.MAX_BACKUP_PASSES + 1},
    ],
)
async def test_a_lock_that_asks_for_too_much_is_refused_unpaid(
    tmp_path: Path, costs: dict[str, int]
) -> None:
    lock = replace(backups.lock(), **costs)
    file = tmp_path / "alice.backup"
    file.write_bytes(encode_preamble(lock, backups.HEADER) + backups.bulk(backups.records()))
    async with daemon_of(tmp_path / "new", RELAY, None) as daemon:
        tracemalloc.start()
        with pytest.raises(DaemonError) as caught:
            await Keeping(daemon).from_file(file, SECRET, None)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert caught.value.kind == "bad_backup"
    assert peak < 8 * 1024 * 1024
