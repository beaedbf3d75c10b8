"""Other users at the real socket: what the kernel lets through, and what it says of them."""

import asyncio
import json
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from peerpost_daemon.access.settings import AccessSettings
from peerpost_daemon.access.tables import Tables
from peerpost_daemon.rpc import RpcServer, Scope
from peerpost_daemon.rpc.place import Opening
from tests.daemon.rpc.stage import Stage, request

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("curl") is None, reason="needs root, and curl"
)
DEPLOY, STAFF, ELSEWHERE = 54_711, 54_815, 54_999


@pytest.fixture
async def socket() -> AsyncIterator[Path]:
    """Serve a user and a group of whom the group alone may open the socket."""
    folder = passable()
    path, stage = folder / "run/s", Stage()
    tables = Tables(
        [
            AccessSettings(uid=DEPLOY, scopes=(Scope.SEND,)),
            AccessSettings(gid=STAFF, scopes=(Scope.RECEIVE,)),
        ]
    )
    server = RpcServer(
        path, stage.registry, stage.gate, who=tables.caller, opening=lambda: Opening(STAFF)
    )
    await server.start()
    try:
        yield path
    finally:
        await server.close(1.0)
        shutil.rmtree(folder)


def passable() -> Path:
    """Return a folder through which everybody gets to what they know of."""
    folder = Path(tempfile.mkdtemp(prefix="access-"))
    folder.chmod(0o711)
    return folder


async def asked(path: Path, uid: int, gid: int, *groups: int) -> Any:
    """Return the answer that a user gets, None when the socket does not open."""
    body = request("test.echo", text="x").decode()
    process = await asyncio.create_subprocess_exec(
        *("curl", "-s", "--unix-socket", str(path), "-d", body, "http://peerpost/rpc"),
        stdout=asyncio.subprocess.PIPE,
        user=uid,
        group=gid,
        extra_groups=groups,
        cwd="/",
    )
    output, _ = await process.communicate()
    return json.loads(output) if process.returncode == 0 else None


async def test_a_user_of_the_group_that_has_the_scope_may_call(socket: Path) -> None:
    assert (await asked(socket, DEPLOY, STAFF))["result"] == {"text": "x"}


async def test_further_groups_count_as_well(socket: Path) -> None:
    assert (await asked(socket, DEPLOY, ELSEWHERE, STAFF))["result"] == {"text": "x"}


async def test_a_member_without_the_scope_is_told_which(socket: Path) -> None:
    for groups in ((STAFF,), (ELSEWHERE, STAFF)):
        error = (await asked(socket, DEPLOY + 1, *groups))["error"]
        assert error["data"] == {"kind": "forbidden", "scope": "send"}


async def test_who_is_not_in_the_group_cannot_open_the_socket(socket: Path) -> None:
    assert await asked(socket, DEPLOY, ELSEWHERE) is None


def test_the_socket_is_for_its_user_and_its_group_alone(socket: Path) -> None:
    found, folder = socket.stat(), socket.parent.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o660, STAFF)
    assert (stat.S_IMODE(folder.st_mode), folder.st_gid) == (0o710, STAFF)
