from __future__ import annotations

import os
from pathlib import Path

import pytest

from peerpost import UsageError
from peerpost import secret_sources as sources


def secret_file(tmp_path: Path, content: bytes, mode: int = 0o600) -> str:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def test_one_final_newline_does_not_belong_to_the_secret(tmp_path: Path) -> None:
    assert sources.from_file(secret_file(tmp_path, b" a b \r\n")) == " a b "


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_file_open_to_others_is_refused(mode: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="open to others"):
        sources.from_file(secret_file(tmp_path, b"secret", mode))


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", b"a\0b", b"\xff", b"x" * 4097])
def test_what_is_no_secret_is_refused_without_repeating_it(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        sources.from_file(secret_file(tmp_path, content))
    assert "xxx" not in str(caught.value)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        sources.from_file(str(tmp_path / "none"))


def test_a_secret_arrives_through_a_descriptor_in_pieces() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"x" * 3000)
    os.write(writer, b"y" * 1096 + b"\n")
    os.close(writer)
    assert sources.from_descriptor(reader) == "x" * 3000 + "y" * 1096
    os.close(reader)


def test_a_closed_descriptor_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="999"):
        sources.from_descriptor(999)


def test_a_new_secret_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_has_terminal", lambda: True)
    entries = iter(["one", "one", "one", "other"])
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(entries))
    assert sources.from_prompt("Passphrase", twice=True) == "one"
    with pytest.raises(UsageError, match="differ"):
        sources.from_prompt("Passphrase", twice=True)


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_has_terminal", lambda: False)
    with pytest.raises(UsageError, match="no terminal"):
        sources.from_prompt("Passphrase")
