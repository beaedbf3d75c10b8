import asyncio
import os
from pathlib import Path

import pytest

from tests.daemon.rpc.stage import Stage, connected, request, serving


async def test_requests_of_one_connection_are_answered_as_they_end(
    path: Path, stage: Stage
) -> None:
    async with serving(path, stage), connected(path) as client:
        client.say(request("test.wait", 1, text="slow"), request("test.echo", 2, text="quick"))
        assert (await client.hear())["id"] == 2
        stage.let_go.set()
        assert (await client.hear())["id"] == 1


async def test_the_caller_is_known_by_its_credentials(path: Path, stage: Stage) -> None:
    async with serving(path, stage), connected(path) as client:
        await client.ask(request("test.echo", text="x"))
    peer = stage.calls[0].peer
    assert peer[:3] == (os.getuid(), os.getgid(), os.getpid())
    assert set(peer.groups) == set(os.getgroups())


async def test_state_belongs_to_a_connection(path: Path, stage: Stage) -> None:
    async with serving(path, stage), connected(path) as one, connected(path) as two:
        await one.ask(request("test.echo", text="x"))
        await one.ask(request("test.echo", text="x"))
        await two.ask(request("test.echo", text="x"))
    first, second, third = (call.state for call in stage.calls)
    assert first is second
    assert first is not third


async def test_a_client_that_shut_its_writing_side_gets_its_answers(
    path: Path, stage: Stage
) -> None:
    async with serving(path, stage), connected(path) as client:
        client.say(request("test.wait", 1, text="x"))
        client.writer.write(request("test.echo", 2, text="no newline"))
        client.writer.write_eof()
        assert (await client.hear())["id"] == 2
        stage.let_go.set()
        assert (await client.hear())["id"] == 1
        assert await client.reader.read() == b""


async def test_a_client_that_only_shut_its_writing_side_is_not_taken_for_gone(
    path: Path, stage: Stage
) -> None:
    async with serving(path, stage, hangup_seconds=0.0), connected(path) as client:
        client.say(request("test.wait", 1, text="x"))
        client.writer.write_eof()
        await stage.began_one.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        stage.let_go.set()
        assert (await client.hear())["result"] == {"text": "x"}


async def test_a_flooding_handler_ends_when_its_reader_leaves(path: Path, stage: Stage) -> None:
    async with serving(path, stage):
        async with connected(path) as client:
            client.say(request("test.flood", text="x"))
            await client.hear()
        await stage.ended_one.wait()
    assert stage.ended == ["flood"]


async def test_an_over_long_line_is_refused_and_the_next_one_answered(
    path: Path, stage: Stage
) -> None:
    async with serving(path, stage, max_line=1000), connected(path) as client:
        client.say(request("test.echo", 1, text="x" * 300_000), request("test.echo", 2, text="y"))
        said = {one["id"]: one for one in (await client.hear(), await client.hear())}
        assert said[None]["error"]["data"]["kind"] == "too_large"
        assert said[2]["result"] == {"text": "y"}


async def test_past_its_requests_in_work_a_connection_is_not_read(path: Path, stage: Stage) -> None:
    async with serving(path, stage, max_concurrent=4), connected(path) as client:
        client.say(*(request("test.wait", n, text="x") for n in range(20)))
        await stage.began_one.wait()
        stage.let_go.set()
        assert {(await client.hear())["id"] for _ in range(20)} == set(range(20))
        assert stage.most == 4


async def test_too_many_clients_are_told_so(path: Path, stage: Stage) -> None:
    async with serving(path, stage, max_clients=1), connected(path) as first:
        await first.ask(request("test.echo", text="x"))
        async with connected(path) as second:
            error = (await second.hear())["error"]
            assert await second.reader.read() == b""
        assert error["data"] == {"kind": "too_many_requests", "retry_after": 5.0}


async def test_a_place_is_free_again_when_its_client_left(path: Path, stage: Stage) -> None:
    left = asyncio.Event()
    async with serving(path, stage, max_clients=1):
        async with connected(path) as first:
            await first.ask(request("test.echo", text="x"))
            stage.calls[0].on_close(left.set)
        await left.wait()
        async with connected(path) as second:
            assert "result" in await second.ask(request("test.echo", text="x"))


async def test_a_handler_ends_its_work_after_its_caller_hung_up(path: Path, stage: Stage) -> None:
    gone = asyncio.Event()
    async with serving(path, stage):
        async with connected(path) as client:
            client.say(request("test.wait", text="done"))
            await stage.began_one.wait()
            stage.calls[0].on_close(gone.set)
            client.writer.transport.abort()
        stage.let_go.set()
    assert stage.ended == ["done"]


async def test_a_handler_that_never_ends_is_cancelled_after_its_caller_left(
    path: Path, stage: Stage
) -> None:
    async with serving(path, stage, finish_seconds=0.01, hangup_seconds=0.01):
        async with connected(path) as client:
            client.say(request("test.wait", text="x"))
            await stage.began_one.wait()
            client.writer.transport.abort()
        await stage.ended_one.wait()
    assert stage.ended == ["cancelled"]


async def test_a_client_that_does_not_read_makes_its_handler_wait(path: Path, stage: Stage) -> None:
    limits = {"high_water": 4096, "low_water": 1024, "coalesce": 1024, "stalled_seconds": 0.05}
    gone = asyncio.Event()
    async with serving(path, stage, **limits), connected(path, limit=1024) as client:
        client.say(request("test.flood", text="x" * 1000))
        await stage.began_one.wait()
        stage.calls[0].on_close(gone.set)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await gone.wait()
    assert stage.ended == ["flood"]
    assert stage.began < 2000


async def test_notifications_of_a_slow_reader_all_arrive_in_the_end(
    path: Path, stage: Stage
) -> None:
    limits = {"high_water": 4096, "low_water": 1024, "coalesce": 512}
    async with serving(path, stage, **limits), connected(path, limit=4096) as client:
        client.say(request("test.flood", text="x" * 500))
        heard = [(await client.hear())["method"] for _ in range(3000)]
    assert set(heard) == {"event"}


async def test_close_lets_requests_in_work_end(path: Path, stage: Stage) -> None:
    async with serving(path, stage) as server, connected(path) as client:
        client.say(request("test.wait", 1, text="x"))
        await stage.began_one.wait()
        closing = asyncio.create_task(server.close(5.0))
        await asyncio.sleep(0)
        stage.let_go.set()
        assert (await client.hear())["result"] == {"text": "x"}
        assert await client.reader.read() == b""
        await closing
        with pytest.raises(FileNotFoundError):
            await asyncio.open_unix_connection(path)


async def test_close_cancels_what_does_not_end_in_time(path: Path, stage: Stage) -> None:
    async with serving(path, stage) as server, connected(path) as client:
        client.say(request("test.wait", 1, text="x"))
        await stage.began_one.wait()
        await server.close(0.0)
        assert server.clients == 0
    assert stage.ended == ["cancelled"]


async def test_lines_that_wait_at_close_are_refused(path: Path, stage: Stage) -> None:
    async with serving(path, stage, max_concurrent=1) as server, connected(path) as client:
        client.say(request("test.wait", 1, text="x"), request("test.echo", 2, text="y"))
        await stage.began_one.wait()
        closing = asyncio.create_task(server.close(5.0))
        await asyncio.sleep(0)
        stage.let_go.set()
        assert "result" in await client.hear()
        assert (await client.hear())["error"]["data"]["kind"] == "shutting_down"
        await closing


@pytest.mark.parametrize("blank", [b"", b"\r", b"\n\n"])
async def test_blank_lines_are_passed_over(path: Path, stage: Stage, blank: bytes) -> None:
    async with serving(path, stage), connected(path) as client:
        client.say(blank)
        assert "result" in await client.ask(request("test.echo", text="x"))


async def test_a_client_that_never_reads_its_last_answers_is_dropped(
    path: Path, stage: Stage
) -> None:
    left = asyncio.Event()
    async with serving(path, stage, stalled_seconds=0.02) as server:
        async with connected(path, limit=1024) as client:
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            client.say(request("test.echo", text="x" * 900_000))
            client.writer.write_eof()
            await client.writer.drain()
            await stage.began_one.wait()
            stage.calls[0].on_close(left.set)
            await left.wait()
        assert server.clients == 0


async def test_close_does_not_wait_for_a_client_that_does_not_read(
    path: Path, stage: Stage
) -> None:
    async with serving(path, stage) as server, connected(path, limit=1024) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.say(request("test.flood", text="x" * 100_000))
        await stage.began_one.wait()
        await server.close(0.01)
        assert server.clients == 0
    assert stage.ended == ["flood"]
