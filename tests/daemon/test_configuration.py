"""Where the daemon's configuration comes from, and what a wrong one says."""

from pathlib import Path

import pytest

from peerpost_daemon.configuration import DaemonConfiguration, configured
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.process import USAGE, main


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the user's own file is looked for."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "peerpost").mkdir()
    return tmp_path / "peerpost/peerpostd.toml"


def found(file: Path, *assigned: str, **variables: str) -> DaemonConfiguration:
    return configured(None, assigned, {"XDG_CONFIG_HOME": str(file.parents[1])} | variables)


def test_the_users_own_file_is_read(file: Path) -> None:
    file.write_text("max_queued = 7\n")
    assert found(file).max_queued == 7


def test_a_named_file_is_read_instead(file: Path, tmp_path: Path) -> None:
    file.write_text("max_queued = 7\n")
    other = tmp_path / "other.toml"
    other.write_text("max_queued = 8\n")
    assert found(file, PEERPOSTD_CONFIG=str(other)).max_queued == 8


def test_the_older_variables_for_data_and_socket_hold_where_nothing_else_does(file: Path) -> None:
    assert found(file, PEERPOST_DATA="/older").data == Path("/older")
    assert found(file, PEERPOST_DATA="/older", PEERPOSTD_DATA="/newer").data == Path("/newer")


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match="there is no file"):
        configured(tmp_path / "none", (), {})


def test_a_file_that_others_can_write_is_an_error(file: Path) -> None:
    file.touch()
    file.chmod(0o666)
    with pytest.raises(DaemonError, match="others than you and root"):
        found(file)


@pytest.mark.usefixtures("file")
def test_a_configuration_can_be_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check-config"]) == 0
    assert "holds" in capsys.readouterr().out


def test_a_wrong_one_is_a_wrong_usage_and_names_the_setting(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("max_qeued = 7\n")
    assert main(["--check-config"]) == USAGE
    assert (
        "max_qeued: there is no such setting; did you mean max_queued?" in capsys.readouterr().err
    )


def test_the_example_is_a_configuration(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--example-config"]) == 0
    file.write_text(capsys.readouterr().out)
    assert main(["--check-config"]) == 0


def test_a_file_of_authorities_must_hold_certificates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "ca.pem"
    for said in ("No such file", "no certificate"):
        assert main(["--check-config", "--set", f"ca_file={empty}"]) == USAGE
        assert f"ca_file: {empty}: {said}" in capsys.readouterr().err
        empty.touch()
