"""What an operator is given to hand on."""

import stat
from pathlib import Path

import pytest

from peerpost_relay.commands import USAGE, main
from peerpost_relay.data_folder import DataFolder

ADDRESS = "wss://relay.example.org"
INVITE = ("invite", "--identity", "*@example.org", "--uses", "5", "--data")


def test_an_invitation_holds_address_key_and_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*INVITE, str(tmp_path), "--address", ADDRESS, "--expires", "7d"]) == 0
    key = DataFolder(tmp_path).key().public.hex()
    begin = f"peerpost://join?relay=wss%3A%2F%2Frelay.example.org&key={key}&token=pp_"
    assert capsys.readouterr().out.startswith(begin)
    main(["token", "list", "--data", str(tmp_path)])
    assert "1  *@example.org  live  expires 2" in (listed := capsys.readouterr().out)
    assert "uses 5" in listed


def test_the_picture_is_the_owners_alone_and_replaces_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    png = tmp_path / "invitation.png"
    asked = [*INVITE, str(tmp_path / "data"), "--address", ADDRESS, "--png", str(png)]
    assert main(asked) == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE(png.stat().st_mode) == 0o600
    assert main(asked) == 1
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "address", ["relay.example.org", "ws://relay.example.org", "wss://a:b@c", "wss://", "wss://[x"]
)
def test_an_address_that_no_daemon_would_use_is_refused(tmp_path: Path, address: str) -> None:
    assert main([*INVITE, str(tmp_path), "--address", address]) == USAGE
    assert list(tmp_path.iterdir()) == []


def test_without_an_address_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*INVITE, str(tmp_path)]) == USAGE
    assert "--address, or `address`" in capsys.readouterr().err
