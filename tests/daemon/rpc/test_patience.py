"""How long a connection keeps its place. The bounds are short here, and what ends is waited for."""

import json
from pathlib import Path

from tests.daemon.rpc.stage import Stage, connected, request, serving
from tests.daemon.rpc.test_http import asking

SHORT = 0.05


async def others_are_let_go(path: Path) -> None:
    """Wait until two clients have come, and have been idle for too long, one after the other."""
    for _ in range(2):
        async with connected(path) as other:
            await other.ask(request("test.echo", text="x"))
            assert await other.reader.read() == b""


async def test_a_line_that_does_not_end_is_ended(path: Path, stage: Stage) -> None:
    async with serving(path, stage, request_seconds=SHORT), connected(path) as client:
        client.writer.write(b'{"jsonrpc"')
        error = (await client.hear())["error"]
        assert error["data"] == {"kind": "timeout"}
        assert await client.reader.read() == b""


async def test_a_line_too_long_that_does_not_end_is_ended(path: Path, stage: Stage) -> None:
    async with (
        serving(path, stage, request_seconds=SHORT, max_line=10) as server,
        connected(path) as client,
    ):
        client.writer.write(b"[" * 100)
        kinds = [(await client.hear())["error"]["data"]["kind"] for _ in range(2)]
        assert kinds == ["too_large", "timeout"]
        assert await client.reader.read() == b""
        assert server.clients == 0


async def test_each_request_has_the_time_anew(path: Path, stage: Stage) -> None:
    async with serving(path, stage, request_seconds=60.0), connected(path) as client:
        whole = request("test.echo", text="x")
        for _ in range(3):
            client.writer.write(whole[:10])
            await client.writer.drain()
            assert "result" in await client.ask(whole[10:])


async def test_a_request_in_work_is_waited_for(path: Path, stage: Stage) -> None:
    limits = {"request_seconds": SHORT, "idle_seconds": SHORT}
    async with serving(path, stage, **limits), connected(path) as client:
        client.say(request("test.wait", text="x"))
        await stage.began_one.wait()
        await others_are_let_go(path)
        stage.let_go.set()
        assert "result" in await client.hear()


async def test_who_asks_for_nothing_is_let_go_without_a_word(path: Path, stage: Stage) -> None:
    async with serving(path, stage, idle_seconds=SHORT), connected(path) as client:
        await client.ask(request("test.echo", text="x"))
        assert await client.reader.read() == b""


async def test_who_has_something_open_is_not_idle(path: Path, stage: Stage) -> None:
    async with serving(path, stage, idle_seconds=SHORT), connected(path) as client:
        stage.holds = True
        await client.ask(request("test.echo", text="x"))
        stage.holds = False
        await others_are_let_go(path)
        assert "result" in await client.ask(request("test.echo", text="x"))
        stage.forget()
        assert await client.reader.read() == b""


async def test_a_head_that_does_not_end_is_ended(path: Path, stage: Stage) -> None:
    async with serving(path, stage, request_seconds=SHORT), asking(path) as client:
        client.writer.write(b"POST /rpc HTTP/1.1\r\nhost: pee")
        status, answer = await client.hear()
        assert (status, answer["error"]["data"]["kind"]) == (408, "invalid_request")
        assert await client.reader.read() == b""


async def test_a_body_that_does_not_end_is_ended(path: Path, stage: Stage) -> None:
    async with serving(path, stage, request_seconds=SHORT), asking(path) as client:
        client.writer.write(b"POST /rpc HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{}")
        assert (await client.hear())[0] == 408


async def test_who_keeps_a_connection_of_http_for_nothing_is_let_go(
    path: Path, stage: Stage
) -> None:
    async with serving(path, stage, idle_seconds=SHORT), asking(path) as client:
        status, answer = await client.ask("POST /rpc", request("test.echo", text="x"))
        assert (status, json.loads(json.dumps(answer))["result"]) == (200, {"text": "x"})
        assert await client.reader.read() == b""
