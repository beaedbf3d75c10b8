"""A local caller lets the daemon read, or write, what only the daemon may.

The caller is another user than the daemon's: paths are refused, and nothing is opened. What goes through the socket
works for everybody. A path of the daemon's own user that is no ordinary file is refused without waiting for it.
"""

import os
from base64 import b64encode
from pathlib import Path

import pytest

from peerpost_daemon.records.files import FileState
from peerpost_daemon.rpc import Peer
from tests.daemon.methods.house import BOB, House, house
from tests.support.filing import all_files


def somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = Peer(os.geteuid() + 4711, 4711, 1)
    monkeypatch.setattr("peerpost_daemon.rpc.call.Call.peer", stranger, raising=False)
    monkeypatch.setattr(
        "peerpost_daemon.rpc.call.Call.__setattr__",
        lambda self, name, value: None if name == "peer" else object.__setattr__(self, name, value),
    )


async def test_another_user_has_no_paths_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_else(monkeypatch)
    secret = tmp_path / "secret"
    secret.write_bytes(b"of the daemon's user")
    async with house(tmp_path / "house") as alice:
        await alice.open()
        error = await alice.error("message.send", to=BOB.identity, files=[str(secret)])
        assert (error["kind"], error["field"]) == ("forbidden", "files")
        assert await alice.daemon.read(all_files) == []
        assert await alice.waiting() == []


async def test_another_user_has_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_else(monkeypatch)
    async with house(tmp_path / "house") as alice:
        await alice.open()
        number = await handed_over(alice, b"hello")
        error = await alice.error("file.save", file=number, path=str(tmp_path / "x"))
        assert error["kind"] == "forbidden"
        piece = await alice.result("file.read", file=number, offset=0)
        assert piece["data"] == b64encode(b"hello").decode()
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("method", ["account.backup", "account.restore"])
async def test_another_user_has_no_backup_written_or_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    somebody_else(monkeypatch)
    async with house(tmp_path / "house") as alice:
        await alice.open()
        path = str(tmp_path / "backup")
        error = await alice.error(method, passphrase="correct horse", file=path)
        assert (error["kind"], error["field"]) == ("forbidden", "file")
    assert not (tmp_path / "backup").exists()


async def handed_over(alice: House, data: bytes) -> int:
    draft = (await alice.result("file.begin", name="a.txt"))["draft"]
    await alice.result("file.write", draft=draft, offset=0, data=b64encode(data).decode())
    await alice.result("message.send", to=BOB.identity, files=[{"draft": draft}])
    (file,) = await alice.daemon.read(all_files)
    assert file.state is FileState.UPLOADING
    return file.number


@pytest.mark.parametrize("what", ["fifo", "folder", "device", "missing", "relative"])
async def test_only_ordinary_files_are_read(tmp_path: Path, what: str) -> None:
    paths = {"fifo": tmp_path / "fifo", "folder": tmp_path, "device": Path("/dev/zero")}
    os.mkfifo(tmp_path / "fifo")
    path = str(paths.get(what, tmp_path / "missing")) if what != "relative" else "../secret"
    async with house(tmp_path / "house") as alice:
        await alice.open()
        error = await alice.error("message.send", to=BOB.identity, files=[path])
        assert error["kind"] == ("invalid_params" if what == "relative" else "file_unreadable")


async def test_one_callers_draft_is_not_anothers(tmp_path: Path) -> None:
    async with house(tmp_path / "house") as alice:
        await alice.open()
        for method, more in (("file.write", {"offset": 0, "data": ""}), ("message.send", {})):
            params = {"draft": 1} | more
            if method == "message.send":
                params = {"to": BOB.identity, "files": [{"draft": 1}]}
            assert (await alice.error(method, **params))["kind"] == "unknown_file"
