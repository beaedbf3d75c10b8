"""Both processes started wrong: one sentence that says what to do, an exit code, and nothing damaged."""

import hashlib
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from peerpost_daemon.vault import keyfile
from peerpost_daemon.vault.connection import WRITER, connect
from peerpost_relay.data_folder import DataFolder
from tests.support.processes import Finished, Process, run
from tests.support.site import private_file
from tests.support.tls_terminator import issue

FAILED, USAGE, IN_USE, WRONG_PASSPHRASE, UNUSABLE = 1, 2, 3, 4, 5

KEY, CHEAP = b"k" * 32, keyfile.Cost(1, 8 * 1024)

Case = tuple[tuple[str | Path, ...], int, str]


def fingerprint(folder: Path) -> dict[str, object]:
    """Return what lies in a folder: links as they are, files by their bytes."""
    return {
        str(path.relative_to(folder)): os.readlink(path)  # noqa: PTH115
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def said(ended: Finished) -> str:
    """Return the last line of standard error: what was before it are lines of the log."""
    return ended.err.strip().splitlines()[-1]


def relay(
    folder: Path, *options: str | Path, listen: str = "127.0.0.1:0"
) -> tuple[str | Path, ...]:
    return ("serve", "--data", folder / "relay", "--listen", listen, *options)


def written(folder: Path, name: str, ago: timedelta) -> None:
    """Leave a store that was last written then."""
    folder.mkdir(mode=0o700)
    (folder / name).write_bytes(b"what was stored")
    at = time.time() + ago.total_seconds()
    os.utime(folder / name, (at, at))


def a_file_for_a_folder(folder: Path) -> Case:
    (folder / "relay").touch()
    return relay(folder), FAILED, "cannot be used (File exists): name another one"


def a_symlink_for_a_socket(folder: Path) -> Case:
    (folder / "socket").symlink_to(folder / "elsewhere")
    return relay(folder, listen=f"unix:{folder}/socket"), FAILED, "File exists; end what is there"


def a_file_for_a_socket(folder: Path) -> Case:
    (folder / "socket").write_text("precious")
    return relay(folder, listen=f"unix:{folder}/socket"), FAILED, "File exists; end what is there"


def a_newer_store(folder: Path) -> Case:
    DataFolder(folder / "relay")
    with sqlite3.connect(folder / "relay/relay.sqlite") as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA user_version=9999")
    db.close()
    return relay(folder), FAILED, "made by a newer version (schema 9999"


def no_database(folder: Path) -> Case:
    DataFolder(folder / "relay")
    (folder / "relay/relay.sqlite").write_text("a letter to a friend " * 99)
    return relay(folder), FAILED, "copy the data folder away and restore a backup"


def a_store_of_tomorrow(folder: Path) -> Case:
    written(folder / "relay", "relay.sqlite", timedelta(days=9))
    return relay(folder), FAILED, "set the clock, or where it is right add --set check_clock=false"


def a_store_of_years_ago(folder: Path) -> Case:
    written(folder / "relay", "relay.sqlite", timedelta(days=-900))
    return relay(folder), FAILED, "more than a year after the store was last written: set the clock"


def half_a_key(folder: Path) -> Case:
    DataFolder(folder / "relay")
    (folder / "relay/relay.key").write_bytes(b"short")
    return relay(folder), FAILED, "relay.key is damaged: 32 bytes are expected"


def an_expired_certificate(folder: Path) -> Case:
    certificate, key = folder / "tls.pem", folder / "tls.key"
    issue(certificate, key, begins=timedelta(days=-9), days=-1)
    files = ("--set", f"tls.certificate={certificate}", "--set", f"tls.key={key}")
    return relay(folder, *files), FAILED, "has expired: renew it"


def a_plain_address(folder: Path) -> Case:
    return relay(folder, listen="0.0.0.0:0"), USAGE, "set tls.certificate and tls.key"


@pytest.mark.parametrize(
    "wrong",
    [
        a_file_for_a_folder,
        a_symlink_for_a_socket,
        a_file_for_a_socket,
        a_newer_store,
        no_database,
        a_store_of_tomorrow,
        a_store_of_years_ago,
        half_a_key,
        an_expired_certificate,
        a_plain_address,
    ],
)
async def test_a_relay_that_cannot_serve_says_why(
    tmp_path: Path, wrong: Callable[[Path], Case]
) -> None:
    arguments, code, sentence = wrong(tmp_path)
    before = fingerprint(tmp_path)
    ended = await run("peerpost-relay", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said(ended).startswith("peerpost-relay: ")
    assert sentence in said(ended)
    assert before.items() <= fingerprint(tmp_path).items()


async def test_a_relay_takes_no_port_and_no_socket_of_another(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as port, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "socket"))
        unix.listen()
        for listen in (f"127.0.0.1:{port.getsockname()[1]}", f"unix:{tmp_path}/socket"):
            ended = await run("peerpost-relay", *relay(tmp_path, listen=listen))
            assert ended.code == FAILED
            assert f"{listen}: Address already in use; end what is there" in said(ended)
        assert (tmp_path / "socket").is_socket()


async def test_a_socket_that_a_dead_relay_left_is_taken(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "socket"))
    process = Process("peerpost-relay", tmp_path / "log")
    try:
        line = await process.start(*relay(tmp_path, listen=f"unix:{tmp_path}/socket"))
        assert line.startswith(f"listening on unix:{tmp_path}/socket")
        assert await process.stop() == 0
    finally:
        await process.kill()


def daemon(
    folder: Path, *, data: str = "data", place: str = "daemon.sock"
) -> tuple[str | Path, ...]:
    where = ("--data", folder / data, "--socket", folder / place)
    return (*where, "--passphrase-file", private_file(folder / "passphrase", "a passphrase"))


@contextmanager
def opened(folder: Path) -> Iterator[sqlite3.Connection]:
    """Make a key and an empty database, as a daemon does for its vault, and give the database."""
    (folder / "data").mkdir(mode=0o700)
    key = keyfile.seal(KEY, "a passphrase", CHEAP, salt=bytes(16), nonce=bytes(24))
    private_bytes(folder / "data/vault.key", key)
    with closing(connect(folder / "data/vault.db", KEY, WRITER)) as db:
        yield db


def private_bytes(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)


def a_file_for_the_vaults_folder(folder: Path) -> Case:
    (folder / "data").touch()
    return daemon(folder), UNUSABLE, "cannot be used: File exists"


def a_symlink_for_the_daemons_socket(folder: Path) -> Case:
    (folder / "daemon.sock").symlink_to(folder / "elsewhere")
    return daemon(folder), UNUSABLE, "move it away or choose another path"


def a_folder_open_to_others(folder: Path) -> Case:
    (folder / "open").mkdir()
    (folder / "open").chmod(0o755)
    return daemon(folder, place="open/daemon.sock"), UNUSABLE, "make it 700"


def a_vault_of_tomorrow(folder: Path) -> Case:
    written(folder / "data", "vault.db", timedelta(days=9))
    return daemon(folder), FAILED, "set the clock, or where it is right add --set check_clock=false"


def a_vault_of_years_ago(folder: Path) -> Case:
    written(folder / "data", "vault.db", timedelta(days=-900))
    return (
        daemon(folder),
        FAILED,
        "more than a year after the store was last written: set the clock",
    )


def a_newer_vault(folder: Path) -> Case:
    with opened(folder) as db:
        db.execute("PRAGMA user_version=9999")
    return daemon(folder), UNUSABLE, "install the newer version again"


def no_authorities(folder: Path) -> Case:
    arguments = (*daemon(folder), "--set", f"ca_file={folder / 'none'}")
    return arguments, USAGE, "ca_file: "


@pytest.mark.parametrize(
    "wrong",
    [
        a_file_for_the_vaults_folder,
        a_symlink_for_the_daemons_socket,
        a_folder_open_to_others,
        no_authorities,
        a_vault_of_tomorrow,
        a_vault_of_years_ago,
        a_newer_vault,
    ],
)
async def test_a_daemon_that_cannot_serve_says_why(
    tmp_path: Path, wrong: Callable[[Path], Case]
) -> None:
    arguments, code, sentence = wrong(tmp_path)
    before = fingerprint(tmp_path)
    ended = await run("peerpostd", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said(ended).startswith("peerpostd: ")
    assert sentence in said(ended)
    assert before.items() <= fingerprint(tmp_path).items()


async def test_a_second_daemon_leaves_the_first_alone_and_a_dead_ones_socket_is_taken(
    tmp_path: Path,
) -> None:
    process = Process("peerpostd", tmp_path / "log")
    try:
        await process.start(*daemon(tmp_path))
        vault = await run("peerpostd", *daemon(tmp_path, place="second.sock"))
        place = await run("peerpostd", *daemon(tmp_path, data="second"))
        assert (vault.code, place.code) == (IN_USE, IN_USE)
        assert "one daemon a vault" in said(vault)
        assert "Another daemon already serves" in said(place)
        assert process.is_running
        await process.kill()
        assert (tmp_path / "daemon.sock").is_socket()
        assert "state=ready" in await process.start(*daemon(tmp_path))
        assert await process.stop() == 0
    finally:
        await process.kill()
    other = (*daemon(tmp_path)[:-1], private_file(tmp_path / "other", "another one"))
    ended = await run("peerpostd", *other)
    assert (ended.code, said(ended)) == (
        WRONG_PASSPHRASE,
        "peerpostd: the passphrase does not open the vault",
    )
