"""The process itself: its one line, its exit codes, its signals."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = "import sys; from peerpost_daemon.process import main; sys.exit(main())"
SECONDS = 30


def _command(directory: Path, *arguments: str) -> list[str]:
    places = ["--data", str(directory / "data"), "--socket", str(directory / "run" / "s")]
    return [sys.executable, "-W", "error", "-c", PROGRAM, *places, *arguments]


def _environment() -> dict[str, str]:
    hidden = ("CREDENTIALS_DIRECTORY", "PEERPOST_PASSPHRASE_FD")
    return {name: value for name, value in os.environ.items() if name not in hidden}


def _run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(directory, *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=_environment(),
    )


@contextmanager
def _running(directory: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a daemon, wait for its line, and end it."""
    with subprocess.Popen(
        _command(directory, *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text("correct horse\n")
    file.chmod(0o600)
    return file


def test_without_a_passphrase_it_starts_without_a_vault_and_stops_at_a_signal(
    tmp_path: Path,
) -> None:
    with _running(tmp_path) as (process, line):
        assert line == f"ready on {tmp_path / 'run' / 's'} state=no_vault\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    assert not (tmp_path / "run" / "s").exists()


def test_a_passphrase_makes_the_vault_and_opens_it_the_next_time(
    tmp_path: Path, secret: Path
) -> None:
    for _ in range(2):
        with _running(tmp_path, "--passphrase-file", str(secret)) as (process, line):
            assert line.endswith("state=ready\n")
            process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) == 0
    with _running(tmp_path) as (_, line):
        assert line.endswith("state=locked\n")


def test_what_it_makes_is_private(tmp_path: Path, secret: Path) -> None:
    with _running(tmp_path, "--passphrase-file", str(secret)):
        made = [*tmp_path.glob("data"), *tmp_path.glob("data/*"), *tmp_path.glob("run/*")]
        assert {path.stat().st_mode & 0o077 for path in made} == {0}


def test_a_wrong_passphrase_has_its_own_exit_code(tmp_path: Path, secret: Path) -> None:
    with _running(tmp_path, "--passphrase-file", str(secret)):
        pass
    secret.write_text("wrong\n")
    ended = _run(tmp_path, "--passphrase-file", str(secret))
    assert ended.returncode == 4
    assert ended.stderr.endswith("peerpostd: the passphrase does not open the vault\n")


def test_a_second_daemon_does_not_start_on_the_same_vault(tmp_path: Path) -> None:
    with _running(tmp_path):
        ended = _run(tmp_path, "--socket", str(tmp_path / "other" / "s"))
        assert ended.returncode == 3
        assert re.search(r"peerpostd: .* already open by pid \d+", ended.stderr)


def test_a_second_daemon_does_not_start_on_the_same_socket(tmp_path: Path) -> None:
    with _running(tmp_path):
        ended = _run(tmp_path, "--data", str(tmp_path / "other"))
        assert ended.returncode == 3
        assert "Another daemon already serves" in ended.stderr


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    ended = _run(tmp_path)
    assert ended.returncode == 5
    assert str(tmp_path / "data") in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_passphrase_that_others_may_read_is_refused(tmp_path: Path, secret: Path) -> None:
    secret.chmod(0o644)
    ended = _run(tmp_path, "--passphrase-file", str(secret))
    assert ended.returncode == 2
    assert "chmod 600" in ended.stderr


@pytest.mark.parametrize("url", ["http://x", "ws://relay.example.org", "nonsense"])
def test_a_relay_that_may_not_be_spoken_to_is_a_usage_error(tmp_path: Path, url: str) -> None:
    ended = _run(tmp_path, "--relay", url)
    assert ended.returncode == 2
    assert "--relay" in ended.stderr
