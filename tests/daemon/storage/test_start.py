"""peerpostd on a vault that is damaged: one sentence, exit code 5, and not a byte is changed."""

import subprocess
from pathlib import Path

import pytest

from tests.daemon.test_process import _run, _running

SECRET = "correct horse\n"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text(SECRET)
    file.chmod(0o600)
    return file


@pytest.fixture
def vault(tmp_path: Path, secret: Path) -> Path:
    """Return the database of a vault that was made and closed."""
    with _running(tmp_path, "--passphrase-file", str(secret)) as (process, _):
        process.terminate()
        process.wait(30)
    return tmp_path / "data" / "vault.db"


def _refused(tmp_path: Path, secret: Path) -> subprocess.CompletedProcess[str]:
    return _run(tmp_path, "--passphrase-file", str(secret))


def _corrupt(path: Path, offset: int, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xaa" * size)


@pytest.mark.parametrize("page", [0, 2])
def test_a_damaged_page_stops_the_start(
    tmp_path: Path, secret: Path, vault: Path, page: int
) -> None:
    _corrupt(vault, page * 4096 + 100, 64)
    before = vault.read_bytes()
    done = _refused(tmp_path, secret)
    assert done.returncode == 5
    sentences = [line for line in done.stderr.splitlines() if line.startswith("peerpostd: ")]
    assert len(sentences) == 1
    assert "Traceback" not in done.stderr
    assert vault.read_bytes() == before


def test_a_truncated_vault_stops_the_start(tmp_path: Path, secret: Path, vault: Path) -> None:
    whole = vault.read_bytes()
    vault.write_bytes(whole[: len(whole) // 2])
    before = vault.read_bytes()
    done = _refused(tmp_path, secret)
    assert done.returncode == 5
    assert vault.read_bytes() == before


def test_a_torn_log_is_read_as_far_as_it_is_whole(
    tmp_path: Path, secret: Path, vault: Path
) -> None:
    """What a power cut leaves of the log's last write was never acknowledged."""
    log = vault.with_name("vault.db-wal")
    log.write_bytes(b"\x37\x7f\x06\x82" + b"\xaa" * 5000)

    with _running(tmp_path, "--passphrase-file", str(secret)) as (_, line):
        assert "state=ready" in line
