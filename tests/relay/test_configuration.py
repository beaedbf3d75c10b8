"""Where the relay's configuration comes from, and what a wrong one says."""

from pathlib import Path

import pytest

from peerpost_relay.commands import USAGE, main
from peerpost_relay.configuration import address_of, configured
from peerpost_relay.errors import ConfigurationError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "relay.toml"
    path.touch()
    monkeypatch.setenv("PEERPOST_RELAY_CONFIG", str(path))
    return path


def test_the_file_the_environment_and_options_are_read(file: Path) -> None:
    file.write_text("[relay]\nverifiers = 3\nwrites_burst = 4\n[edge]\nbacklog = 5\n")
    variables = {"PEERPOST_RELAY_CONFIG": str(file), "PEERPOST_RELAY_RELAY_WRITES_BURST": "6"}
    found = configured(None, ["edge.backlog=7"], variables)
    assert (found.relay.verifiers, found.relay.writes_burst, found.edge.backlog) == (3, 6, 7)


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no file"):
        configured(tmp_path / "none", (), {})


def test_a_file_that_others_can_write_is_an_error(file: Path) -> None:
    file.chmod(0o666)
    with pytest.raises(ConfigurationError, match="others than you and root"):
        configured(file, (), {})


def test_a_wrong_one_is_a_wrong_usage_and_names_the_setting(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("[edge]\nbaklog = 7\n")
    assert main(["serve", "--check-config"]) == USAGE
    assert (
        "edge.baklog: there is no such setting; did you mean edge.backlog?"
        in capsys.readouterr().err
    )


def test_the_example_is_a_configuration(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--example-config"]) == 0
    file.write_text(capsys.readouterr().out)
    assert main(["serve", "--check-config", "--data", "/anywhere"]) == 0


def test_the_data_folder_comes_from_the_file_too(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(f'data = "{tmp_path / "data"}"\n')
    assert main(["token", "create", "--identity", "*@example.org"]) == 0
    assert main(["token", "list"]) == 0
    assert "*@example.org" in capsys.readouterr().out


@pytest.mark.usefixtures("file")
def test_without_a_data_folder_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve"]) == USAGE
    assert "the data folder is not named" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("[::1]:0", ("::1", 0)),
        ("example.org:65535", ("example.org", 65535)),
        ("unix:/run/x.sock", ("unix:/run/x.sock", 0)),
    ],
)
def test_an_address_is_read(text: str, address: tuple[str, int]) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize("text", ["8437", ":1", "host:", "host:65536", "unix:x", "host:-1"])
def test_a_wrong_address_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="HOST:PORT"):
        address_of(text)
