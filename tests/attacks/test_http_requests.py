"""A local process speaks HTTP on the daemon's socket, and means harm.

It asks by methods whose answers have no body, for two requests in one, with lengths that contradict each other, with
bodies larger than a line may be, and goes on after an error. Each is answered with a status, no task of the daemon
dies of it (the log has no line of an error), and others are served.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.daemon.methods.house import House, house
from tests.daemon.rpc.test_http import Asking, asking

HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /rpc HTTP/1.1\r\nhost: x\r\n"


@pytest.fixture
async def alice(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        await made.open()
        yield made


@pytest.fixture
async def http(alice: House) -> AsyncIterator[Asking]:
    async with asking(alice.daemon.settings.socket) as client:
        yield client


@pytest.mark.parametrize("target", ["/health", "/rpc", "/events", "/nowhere"])
async def test_a_request_for_a_head_alone_is_answered(
    http: Asking, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    http.writer.write(f"HEAD {target} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    assert (await http.head())[0] in {404, 405}
    assert (await http.ask("GET /health"))[0] in {200, 503}
    assert "failed" not in caplog.text


async def test_a_head_that_is_too_long_is_refused_without_a_body(
    http: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    http.writer.write(b"HEAD /" + b"x" * 9_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await http.head())[0] == 414
    assert await http.reader.read() == b""
    assert not caplog.records


async def test_what_is_no_request_after_a_head_is_told_so_with_a_body(http: Asking) -> None:
    http.writer.write(b"HEAD /health HTTP/1.1\r\nhost: x\r\n\r\nGARBAGE\r\n\r\n")
    assert (await http.head())[0] == 405
    status, said = await http.hear()
    assert (status, said["error"]["data"]["kind"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "smuggled",
    [
        POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        POST + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        POST + b"content-length : 5\r\n\r\nhello",
        POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffffffffff\r\n",
    ],
)
async def test_a_request_of_two_lengths_is_refused_and_nothing_after_it_is_read(
    http: Asking, smuggled: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    http.writer.write(smuggled + HEALTH)
    assert (await http.hear())[0] in {400, 501}
    assert await http.reader.read() == b""
    assert not caplog.records


async def test_requests_behind_each_other_are_answered_in_their_order(http: Asking) -> None:
    http.writer.write(HEALTH + b"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n" + HEALTH)
    statuses = [(await http.hear())[0] for _ in range(3)]
    assert statuses[1] == 404
    assert statuses[0] == statuses[2] != 404


async def test_a_body_over_the_bound_is_refused_before_it_is_kept(alice: House) -> None:
    statuses = []
    with suppress(ConnectionError):  # what was still to be sent when we were hung up on
        async with asking(alice.daemon.settings.socket) as client:
            client.writer.write(POST + b"transfer-encoding: chunked\r\n\r\n")
            for _ in range(9):
                client.writer.write(b"100000\r\n" + b" " * 2**20 + b"\r\n")
            statuses.append((await client.hear())[0])
    assert statuses == [413]
