import os
from pathlib import Path

import pytest

from peerpost_daemon.health.places import places
from tests.daemon.methods.house import settings


def found(directory: Path, mode: int, group: str | None) -> str:
    """Return how the doctor judges a socket of this mode."""
    made = settings(directory, socket_group=group)
    made.socket.parent.mkdir(mode=0o700)
    os.close(os.open(made.socket, os.O_CREAT, 0o600))
    made.socket.chmod(mode)
    (check,) = [each for each in places(made) if each.check == "socket"]
    return check.result


@pytest.mark.parametrize(
    ("mode", "group", "result"),
    [
        (0o600, None, "ok"),
        (0o660, None, "error"),
        (0o660, "staff", "ok"),
        (0o666, "staff", "error"),
    ],
)
def test_a_socket_is_for_its_user_and_for_the_group_that_is_named(
    tmp_path: Path, mode: int, group: str | None, result: str
) -> None:
    assert found(tmp_path, mode, group) == result
