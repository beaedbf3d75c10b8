from pathlib import Path

import pytest

from peerpost.paths import SYSTEM_SOCKET as CLIENTS_SYSTEM_SOCKET
from peerpost.paths import socket_path
from peerpost_daemon import settings
from peerpost_daemon.settings import SYSTEM_SOCKET, default_data, default_socket


@pytest.mark.parametrize(
    "environment",
    [
        {"PEERPOST_SOCKET": "/a/b"},
        {"XDG_RUNTIME_DIR": "/run/user/7"},
        {"XDG_RUNTIME_DIR": "/run/user/7/"},
        {"XDG_RUNTIME_DIR": "relative"},
        {},
    ],
)
@pytest.mark.parametrize("uid", [0, 1000])
def test_daemon_and_client_agree_on_the_socket(
    environment: dict[str, str], uid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PEERPOST_SOCKET", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("os.geteuid", lambda: uid)
    assert str(default_socket(environment)) == socket_path()
    assert str(SYSTEM_SOCKET) == CLIENTS_SYSTEM_SOCKET


def test_the_data_directory_is_named_the_systems_or_the_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert default_data({"PEERPOST_DATA": "/a"}) == Path("/a")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_data({}) == settings.SYSTEM_DATA
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert default_data({}) == Path.home() / ".local/share/peerpost"
