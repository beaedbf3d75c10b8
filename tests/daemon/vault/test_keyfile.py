import asyncio
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault import keyfile
from peerpost_daemon.vault.keyfile import Cost, seal, unseal

CHEAP = Cost(opslimit=1, memlimit=8 * 1024)
KEY, SALT, NONCE = b"k" * 32, b"s" * 16, b"n" * 24


def sealed(passphrase: bytes | str = b"correct horse") -> bytes:
    return seal(KEY, passphrase, CHEAP, salt=SALT, nonce=NONCE)


def rewritten(
    opslimit: object = 1, memlimit: object = 8192, salt: bytes = SALT, nonce: bytes = NONCE
) -> bytes:
    """Return a good file with another header in it."""
    file = msgspec.msgpack.decode(sealed())
    file[2] = msgspec.msgpack.encode([opslimit, memlimit, salt, nonce])
    return msgspec.msgpack.encode(file)


def refusal(data: bytes) -> str:
    with pytest.raises(DaemonError) as caught:
        unseal(data, b"correct horse")
    assert caught.value.kind == "storage_failed"
    return str(caught.value)


def test_the_passphrase_gives_the_key_back() -> None:
    assert unseal(sealed(), b"correct horse") == KEY


def test_the_same_randomness_gives_the_same_file() -> None:
    assert sealed() == sealed()
    assert KEY not in sealed()
    assert b"correct horse" not in sealed()


def test_a_wrong_passphrase_is_refused_and_stays_out_of_the_error() -> None:
    with pytest.raises(DaemonError) as caught:
        unseal(sealed(), b"battery staple")
    assert caught.value.kind == "wrong_passphrase"
    assert "battery" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_text_composed_otherwise_is_the_same_passphrase() -> None:
    assert unseal(sealed("caf\u00e9"), "cafe\u0301") == KEY
    assert unseal(sealed("caf\u00e9"), "cafe\u0301".encode()) == KEY


@pytest.mark.parametrize("passphrase", [b"", "", b"x" * 1025, "\ud800"])
def test_a_passphrase_out_of_bounds_is_refused(passphrase: bytes | str) -> None:
    with pytest.raises(DaemonError) as caught:
        sealed(passphrase)
    assert (caught.value.kind, caught.value.field) == ("invalid_params", "passphrase")


@pytest.mark.parametrize("passphrase", [b"x", b"\xff\xfe\x00", b"x" * 1024])
def test_any_bytes_within_bounds_are_a_passphrase(passphrase: bytes) -> None:
    assert unseal(sealed(passphrase), passphrase) == KEY


@pytest.mark.parametrize("opslimit", [0, 17, 2**32, -1, "2", None])
def test_a_hostile_opslimit_is_refused_by_name(opslimit: object) -> None:
    assert "opslimit" in refusal(rewritten(opslimit=opslimit))


@pytest.mark.parametrize("memlimit", [0, 8191, 100 * 2**30, 2**63, "all"])
def test_a_hostile_memlimit_is_refused_by_name(memlimit: object) -> None:
    assert "memlimit" in refusal(rewritten(memlimit=memlimit))


def test_a_salt_or_nonce_of_another_size_is_refused_by_name() -> None:
    assert "salt" in refusal(rewritten(salt=b"s" * 15))
    assert "nonce" in refusal(rewritten(nonce=b"n" * 12))


@pytest.mark.parametrize(
    "header", [{"opslimit": 2}, {"memlimit": 16384}, {"salt": b"t" * 16}, {"nonce": b"m" * 24}]
)
def test_a_changed_header_does_not_open(header: dict[str, int | bytes]) -> None:
    with pytest.raises(DaemonError) as caught:
        unseal(rewritten(**header), b"correct horse")  # type: ignore[arg-type]  # any one of them
    assert caught.value.kind == "wrong_passphrase"


def test_a_header_said_in_other_bytes_does_not_open() -> None:
    file = msgspec.msgpack.decode(sealed())
    file[2] = file[2][:1] + b"\xcc\x01" + file[2][2:]  # the same 1, one byte longer
    with pytest.raises(DaemonError) as caught:
        unseal(msgspec.msgpack.encode(file), b"correct horse")
    assert caught.value.kind == "wrong_passphrase"


def test_a_newer_file_says_so() -> None:
    newer = msgspec.msgpack.encode([keyfile.MAGIC, 2, {"anything": 1}])
    assert "newer" in refusal(newer)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "malformed"),
        (b"\xff" * 20, "malformed"),
        (b"\x93" * 1000, "malformed"),
        (b"x" * 1025, "longer"),
        (msgspec.msgpack.encode(["other", 1, b"", b""]), "magic"),
        (msgspec.msgpack.encode([keyfile.MAGIC, 0, b"", b"x" * 48]), "version"),
        (msgspec.msgpack.encode([keyfile.MAGIC, "1", b"", b""]), "version"),
        (msgspec.msgpack.encode([keyfile.MAGIC, 1, b"", b"x" * 48]), "header"),
        (msgspec.msgpack.encode([keyfile.MAGIC, 1, b"", b"x" * 47]), "sealed"),
        (msgspec.msgpack.encode([keyfile.MAGIC, 1, b"", b"x" * 48, 5]), "length"),
    ],
)
def test_a_malformed_file_is_refused_by_the_field(data: bytes, what: str) -> None:
    assert what in refusal(data)


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_random_bytes_raise_nothing_else(data: bytes) -> None:
    with pytest.raises(DaemonError):
        unseal(data, b"correct horse")


@given(st.integers(0, len(sealed()) - 1), st.integers(1, 255))
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_changed_byte_opens(index: int, flip: int) -> None:
    data = bytearray(sealed())
    data[index] ^= flip
    with pytest.raises(DaemonError):
        unseal(bytes(data), b"correct horse")


def test_a_cost_out_of_bounds_is_not_written() -> None:
    with pytest.raises(DaemonError) as caught:
        seal(KEY, b"x", Cost(opslimit=99), salt=SALT, nonce=NONCE)
    assert (caught.value.kind, caught.value.field) == ("invalid_params", "cost")


async def test_a_created_file_opens_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "vault.key"
    key = await keyfile.create_file(path, b"one", CHEAP)
    assert await keyfile.open_file(path, b"one") == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(list(path.parent.iterdir())) == 1


async def test_a_vault_is_never_created_over_another(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    key = await keyfile.create_file(path, b"one", CHEAP)
    with pytest.raises(DaemonError) as caught:
        await keyfile.create_file(path, b"two", CHEAP)
    assert caught.value.kind == "vault_exists"
    assert await keyfile.open_file(path, b"one") == key


async def test_of_two_creators_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    creations = (keyfile.create_file(path, b"one", CHEAP) for _ in range(2))
    outcomes = await asyncio.gather(*creations, return_exceptions=True)
    keys = [outcome for outcome in outcomes if isinstance(outcome, bytes)]
    assert keys == [await keyfile.open_file(path, b"one")]


async def test_a_changed_passphrase_opens_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    key = await keyfile.create_file(path, b"one", CHEAP)
    await keyfile.change_passphrase(path, b"one", b"two", CHEAP)
    assert await keyfile.open_file(path, b"two") == key
    with pytest.raises(DaemonError):
        await keyfile.open_file(path, b"one")


async def test_a_refused_change_leaves_the_old_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    key = await keyfile.create_file(path, b"one", CHEAP)
    for old, new in ((b"wrong", b"two"), (b"one", b"")):
        with pytest.raises(DaemonError):
            await keyfile.change_passphrase(path, old, new, CHEAP)
    assert await keyfile.open_file(path, b"one") == key


async def test_no_vault_says_so(tmp_path: Path) -> None:
    with pytest.raises(DaemonError) as caught:
        await keyfile.open_file(tmp_path / "vault.key", b"one")
    assert caught.value.kind == "no_vault"


async def test_the_loop_turns_while_a_key_is_derived(tmp_path: Path) -> None:
    creation = asyncio.create_task(keyfile.create_file(tmp_path / "vault.key", b"one"))
    turns = 0
    while not creation.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 100
