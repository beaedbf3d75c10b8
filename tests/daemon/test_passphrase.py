import os
from pathlib import Path

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.passphrase import find


def private(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def pipe_with(content: bytes) -> int:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return reading


def refused_field(environment: dict[str, str], file: Path | None = None) -> str | None:
    with pytest.raises(DaemonError) as caught:
        find(environment, file=file, prompt=lambda _: "unasked")
    assert caught.value.kind == "invalid_params"
    return caught.value.field


def test_without_a_source_there_is_none() -> None:
    assert find({}) is None


def test_the_sources_are_asked_in_order(tmp_path: Path) -> None:
    private(tmp_path / "peerpost-passphrase", b"credential\n", 0o440)
    descriptor = pipe_with(b"descriptor\n")
    environment = {
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "PEERPOST_PASSPHRASE_FD": str(descriptor),
    }
    file = private(tmp_path / "file", b"file\n")
    prompt = "terminal".removeprefix
    found = [find(environment, file=file)]
    (tmp_path / "peerpost-passphrase").unlink()
    found += [find(environment, file=file), find(environment, file=file)]
    found += [find(environment, prompt=lambda _: prompt(""))]
    assert found == [b"credential", b"descriptor", b"file", b"terminal"]


def test_the_descriptor_is_closed_and_its_number_forgotten() -> None:
    descriptor = pipe_with(b"secret\n")
    environment = {"PEERPOST_PASSPHRASE_FD": str(descriptor)}
    assert find(environment) == b"secret"
    assert environment == {}
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptor)


@pytest.mark.parametrize("number", ["", "x", "-1", "0", "2", "+3", "٣", "9999999", "9" * 30])
def test_a_bad_descriptor_is_refused(number: str) -> None:
    assert refused_field({"PEERPOST_PASSPHRASE_FD": number}) == "PEERPOST_PASSPHRASE_FD"


def test_one_trailing_newline_is_not_part_of_it(tmp_path: Path) -> None:
    assert find({}, file=private(tmp_path / "a", b" two words \n\n")) == b" two words \n"
    assert find({}, file=private(tmp_path / "b", b"none")) == b"none"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    assert refused_field({}, private(tmp_path / "file", b"x", mode)) == "passphrase_file"


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 1025, b"x" * 100_000])
def test_a_passphrase_out_of_bounds_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refused_field({}, private(tmp_path / "file", content)) == "passphrase_file"


def test_a_missing_file_is_not_passed_over(tmp_path: Path) -> None:
    assert refused_field({}, tmp_path / "absent") == "passphrase_file"


def test_a_longest_passphrase_with_its_newline_fits(tmp_path: Path) -> None:
    assert find({}, file=private(tmp_path / "file", b"x" * 1024 + b"\n")) == b"x" * 1024


def test_a_new_passphrase_is_asked_for_twice() -> None:
    answers = iter(["one", "one", "one", "two"])
    assert find({}, prompt=lambda _: next(answers), confirm=True) == b"one"
    with pytest.raises(DaemonError, match="differ"):
        find({}, prompt=lambda _: next(answers), confirm=True)


def test_a_credential_that_cannot_be_reached_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "folder").touch()
    with pytest.raises(DaemonError, match="cannot be read"):
        find({"CREDENTIALS_DIRECTORY": str(tmp_path / "folder")})
