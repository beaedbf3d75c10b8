import os
import socket
import stat
from pathlib import Path

import pytest

from peerpost_daemon.errors import DaemonStartError
from peerpost_daemon.rpc.place import Opening, Place


def refused(path: Path) -> str:
    with pytest.raises(DaemonStartError) as caught:
        Place(path).take(1)
    return caught.value.kind


def test_the_socket_is_0600_in_a_directory_0700(path: Path) -> None:
    before = os.umask(0)
    place = Place(path)
    try:
        with place.take(1):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)
        place.leave()
    assert not path.exists()


def test_a_group_that_is_let_in_gets_through(path: Path) -> None:
    place = Place(path, lambda: Opening(os.getegid()))
    with place.take(1):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o710
        assert stat.S_IMODE(Path(f"{path}.lock").stat().st_mode) == 0o600
    place.leave()


def test_a_directory_that_is_closed_to_the_group_is_not_opened(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    with pytest.raises(DaemonStartError, match="chmod 710"):
        Place(path, lambda: Opening(os.getegid())).take(1)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o711, 0o730, 0o750, 0o770])
def test_a_group_may_pass_through_the_directory_and_no_more(path: Path, mode: int) -> None:
    path.parent.mkdir()
    path.parent.chmod(mode)
    with pytest.raises(DaemonStartError, match="is open to others"):
        Place(path, lambda: Opening(os.getegid())).take(1)


def test_a_stale_socket_is_replaced(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    place = Place(path)
    with place.take(1), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    place.leave()


def test_a_socket_that_answers_is_not_replaced(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(path))
        alive.listen(0)
        assert refused(path) == "socket_in_use"
        assert path.exists()


def test_a_socket_whose_queue_is_full_counts_as_answering(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as alive, socket.socket(socket.AF_UNIX) as client:
        alive.bind(str(path))
        alive.listen(0)
        client.connect(str(path))
        assert refused(path) == "socket_in_use"


def test_of_two_that_start_one_is_refused(path: Path) -> None:
    place = Place(path)
    with place.take(1):
        path.unlink()
        assert refused(path) == "socket_in_use"
    place.leave()


def test_leaving_does_not_remove_a_successors_socket(path: Path) -> None:
    place = Place(path)
    with place.take(1), socket.socket(socket.AF_UNIX) as other:
        path.unlink()
        other.bind(str(path))
        place.leave()
        assert path.exists()


def test_a_path_that_is_too_long_is_a_start_error(tmp_path: Path) -> None:
    assert refused(tmp_path / "d" / ("x" * 200)) == "socket_failed"


def test_a_refused_place_can_be_taken_later(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch()
    place = Place(path)
    with pytest.raises(DaemonStartError):
        place.take(1)
    path.unlink()
    place.take(1).close()
    place.leave()
