import errno
import os
from pathlib import Path

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault import durable


def kind(path: Path) -> str:
    with pytest.raises(DaemonError) as caught:
        durable.read(path, 100)
    return caught.value.kind


def test_a_directory_open_to_others_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(DaemonError, match="chmod 700"):
        durable.create(tmp_path / "vault.key", b"x")


def test_a_file_open_to_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    path.write_bytes(b"x")
    path.chmod(0o644)
    with pytest.raises(DaemonError, match="chmod 600"):
        durable.read(path, 100)


def test_no_more_than_the_bound_is_read(tmp_path: Path) -> None:
    durable.create(tmp_path / "vault.key", b"x" * 5000)
    assert len(durable.read(tmp_path / "vault.key", 100)) == 101


def test_a_pipe_or_directory_in_the_files_place_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert kind(tmp_path / "pipe") == "storage_failed"
    assert kind(tmp_path) == "storage_failed"


def test_a_replacement_sweeps_what_a_killed_one_left(tmp_path: Path) -> None:
    durable.create(tmp_path / "vault.key", b"old")
    (tmp_path / ".vault.key.abc.new").write_bytes(b"half")
    durable.replace(tmp_path / "vault.key", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["vault.key"]
    assert durable.read(tmp_path / "vault.key", 100) == b"new"


def test_a_write_is_synced_before_it_is_moved_and_its_directory_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(descriptor: int) -> None:
        order.append("directory" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")  # noqa: PTH112 - a descriptor's link
        fsync(descriptor)

    def record_replace(source: str, target: Path) -> None:
        order.append("move")
        replace(source, target)

    durable.create(tmp_path / "vault.key", b"old")
    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    durable.replace(tmp_path / "vault.key", b"new")
    assert order == ["file", "move", "directory"]


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, "storage_full"), (errno.EIO, "storage_failed")]
)
def test_a_failed_sync_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, expected: str
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    durable.create(tmp_path / "vault.key", b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DaemonError) as caught:
        durable.replace(tmp_path / "vault.key", b"new")
    assert caught.value.kind == expected
    assert durable.read(tmp_path / "vault.key", 100) == b"old"
    assert len(list(tmp_path.iterdir())) == 1
