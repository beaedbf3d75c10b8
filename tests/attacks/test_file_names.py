"""A sender's names and a neighbour's links attack who saves a file.

Names lead elsewhere, hide, steer terminals, are empty or endless. At the target lies a link to something precious, or
a file. Whatever the name is, one plain file of that folder is written; nothing that is there changes unless told.
"""

from contextlib import nullcontext
from pathlib import Path

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.files.names import safe_name
from peerpost_daemon.files.saving import place, save

NAMES = {
    "../../etc/passwd": "_.._etc_passwd",
    "/etc/passwd": "_etc_passwd",
    "..": "file",
    ".": "file",
    "": "file",
    "...": "file",
    ".bashrc": "bashrc",
    "-rf": "rf",
    " . / ": "_",
    "a\\..\\b": "a_.._b",
    "a\x00b\nc\x1b[31m\x7f": "abc[31m",
    "gepj.\u202eexe": "gepj.exe",
    "\u200b\u2066": "file",
    "C:evil": "C_evil",
    "report.pdf": "report.pdf",
    "día 1.txt": "día 1.txt",
    "\ud800": "file",
}


@pytest.mark.parametrize(("name", "safe"), NAMES.items())
def test_a_name_is_a_name_and_nothing_else(name: str, safe: str) -> None:
    assert safe_name(name) == safe
    assert safe_name(safe) == safe


def test_an_endless_name_is_shortened_and_keeps_its_extension() -> None:
    name = safe_name("語" * 255 + ".txt")
    assert len(name.encode()) <= 200
    assert name.endswith(".txt")


def test_what_is_there_is_not_touched_unless_told(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"precious")
    with pytest.raises(DaemonError) as refused:
        save([b"new"], target, overwrite=False)
    assert (refused.value.kind, target.read_bytes()) == ("file_exists", b"precious")
    save([b"ne", b"w"], target, overwrite=True)
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_at_the_target_is_not_followed(tmp_path: Path, overwrite: bool) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    folder = tmp_path / "folder"
    folder.mkdir()
    link = folder / "a"
    link.symlink_to(precious)
    with nullcontext() if overwrite else pytest.raises(DaemonError):
        save([b"new"], place(folder, "a"), overwrite=overwrite)
    assert precious.read_bytes() == b"precious"
    assert link.is_symlink() is not overwrite


def test_a_dangling_link_makes_no_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DaemonError):
        save([b"new"], tmp_path / "a", overwrite=False)
    assert not (tmp_path / "elsewhere").exists()


def test_what_breaks_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> object:
        yield b"half"
        raise DaemonError("file_unavailable", "damaged")

    with pytest.raises(DaemonError):
        save(broken(), tmp_path / "a", overwrite=False)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_saved_file_is_private(tmp_path: Path) -> None:
    save([b"x"], tmp_path / "a", overwrite=False)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
