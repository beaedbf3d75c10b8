import os
import socket
from pathlib import Path

import pytest

from peerpost_daemon.errors import DaemonStartError
from peerpost_daemon.rpc.place import Place
from tests.daemon.rpc.stage import Stage, connected, request, serving


def refused(path: Path) -> str:
    with pytest.raises(DaemonStartError) as caught:
        Place(path).take(1)
    return caught.value.kind


def test_a_file_in_the_sockets_place_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    path.write_text("precious")
    assert refused(path) == "not_a_socket"
    assert path.read_text() == "precious"


def test_a_link_in_the_sockets_place_is_not_followed(tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(target))
    path.symlink_to(target)
    assert refused(path) == "not_a_socket"
    assert (target.exists(), path.is_symlink()) == (True, True)


def test_a_link_in_the_locks_place_is_not_followed(tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "socket"
    Path(f"{path}.lock").symlink_to(target)
    assert refused(path) == "socket_failed"
    assert not target.exists()


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o755, 0o710])
def test_a_directory_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "open"
    directory.mkdir()
    directory.chmod(mode)
    assert refused(directory / "socket") == "unsafe_directory"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "theirs"
    directory.mkdir(mode=0o700)
    os.chown(directory, 12345, 12345)
    assert refused(directory / "socket") == "unsafe_directory"


async def test_one_client_that_floods_does_not_stop_another(tmp_path: Path) -> None:
    stage = Stage()
    path = tmp_path / "socket"
    async with serving(path, stage, max_concurrent=4), connected(path) as bad:
        bad.say(*(request("test.wait", n, text="x") for n in range(1000)))
        await stage.began_one.wait()
        async with connected(path) as good:
            assert "result" in await good.ask(request("test.echo", text="x"))


async def test_a_flood_of_empty_lines_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with serving(path, Stage()), connected(path) as client:
        client.writer.write(b"\n" * 4_000_000)
        assert "result" in await client.ask(request("test.echo", text="x"))


async def test_an_endless_request_by_http_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with serving(path, Stage(), max_line=1000), connected(path) as client:
        client.writer.write(b"GET /" + b"x" * 100_000)
        assert b" 431 " in await client.reader.readline()


async def test_an_endless_line_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with serving(path, Stage(), max_line=1000), connected(path) as client:
        for _ in range(200):
            client.writer.write(b"[" * 100_000)
            await client.writer.drain()
        client.say(b"")
        assert (await client.hear())["error"]["data"]["kind"] == "too_large"
        assert "result" in await client.ask(request("test.echo", text="x"))
