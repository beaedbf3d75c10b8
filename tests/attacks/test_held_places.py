"""A local user keeps others from the daemon: by many connections, or by some that begin a request and never end it.

One user has a share of the places, all together leave some to the daemon's own user, and whoever may do nothing here
shares a few. A request that was begun has a time to be whole. What ends is the connection of who does this alone.
"""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from peerpost_daemon.rpc import EVERYTHING, Peer, Rights, RpcLimits, RpcServer, Scope
from peerpost_daemon.rpc.call import Caller
from peerpost_daemon.rpc.rights import NOTHING
from tests.daemon.rpc.stage import Stage, connected, request
from tests.daemon.rpc.test_http import asking

SHORT = 0.05


class Crowd:
    """Say of each connection that comes whose it is, in their order."""

    def __init__(self, *callers: Caller) -> None:
        self._callers = list(callers)

    def __call__(self, _: Peer) -> Caller:
        return self._callers.pop(0)


MALLORY = Caller.of(Peer(4711, 1, 1), Rights({Scope.SEND: None}))
BOB = Caller.of(Peer(4712, 1, 1), Rights({Scope.SEND: None}))
STRANGER = Caller.of(Peer(4713, 1, 1), NOTHING)
OWNER = Caller.of(Peer(os.geteuid(), 1, 1), EVERYTHING)


async def served(stack: AsyncExitStack, path: Path, *callers: Caller, **limits: float) -> RpcServer:
    stage = Stage()
    made = RpcServer(
        path,
        stage.registry,
        stage.gate,
        limits=RpcLimits(**limits),  # type: ignore[arg-type]
        who=Crowd(*callers),
    )
    await made.start()
    stack.push_async_callback(made.close, 1.0)
    return made


@pytest.mark.parametrize("said", [b"", b'{"jsonrpc', b"GET /ev"])
async def test_one_user_cannot_take_anothers_place(tmp_path: Path, said: bytes) -> None:
    path = tmp_path / "run/s"
    async with AsyncExitStack() as stack:
        server = await served(stack, path, *[MALLORY] * 3, BOB, max_clients_of_user=2)
        for _ in range(2):
            client = await stack.enter_async_context(connected(path))
            client.writer.write(said)
        async with connected(path) as third:
            assert (await third.hear())["error"]["data"]["kind"] == "too_many_requests"
        async with connected(path) as other:
            assert "result" in await other.ask(request("test.echo", text="x"))
        assert server.clients >= 2


async def test_all_users_together_leave_places_to_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "run/s"
    async with AsyncExitStack() as stack:
        limits = {"max_clients": 3, "reserved_clients": 1}
        await served(stack, path, MALLORY, MALLORY, BOB, OWNER, **limits)
        for _ in range(2):
            await stack.enter_async_context(connected(path))
        async with connected(path) as refused:
            assert (await refused.hear())["error"]["data"]["kind"] == "too_many_requests"
        async with connected(path) as owner:
            assert "result" in await owner.ask(request("test.echo", text="x"))


async def test_strangers_are_told_so_and_share_a_few_places(tmp_path: Path) -> None:
    path = tmp_path / "run/s"
    async with AsyncExitStack() as stack:
        await served(stack, path, STRANGER, STRANGER, MALLORY, max_strangers=1)
        client = await stack.enter_async_context(connected(path))
        async with connected(path) as second:
            assert (await second.hear())["error"]["data"]["kind"] == "too_many_requests"
        error = (await client.ask(request("test.echo", text="x")))["error"]
        assert error["data"]["kind"] == "forbidden"
        assert await client.reader.read() == b""
        async with connected(path) as user:
            assert "result" in await user.ask(request("test.echo", text="x"))


async def test_a_stranger_is_told_so_by_http_too(tmp_path: Path) -> None:
    path = tmp_path / "run/s"
    async with AsyncExitStack() as stack:
        await served(stack, path, STRANGER)
        client = await stack.enter_async_context(asking(path))
        status, answer = await client.ask("GET /metrics")
        assert (status, answer["error"]["data"]["kind"]) == (403, "forbidden")


async def test_requests_that_never_end_give_their_places_back(tmp_path: Path) -> None:
    path = tmp_path / "run/s"
    async with AsyncExitStack() as stack:
        limits = {"max_clients_of_user": 4, "request_seconds": SHORT, "silent_seconds": SHORT}
        await served(stack, path, *[MALLORY] * 5, **limits)
        clients = [await stack.enter_async_context(connected(path)) for _ in range(4)]
        for client, said in zip(clients, (b"", b"[", b"POST /rpc", b"[" * 9), strict=True):
            client.writer.write(said)
        await asyncio.gather(*(client.reader.read() for client in clients))
        async with connected(path) as again:
            assert "result" in await again.ask(request("test.echo", text="x"))
