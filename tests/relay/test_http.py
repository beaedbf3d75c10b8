import json

import pytest

from peerpost_relay.settings import EdgeSettings
from tests.relay.edge import UPGRADE, listening


def parts(answer: bytes) -> tuple[bytes, bytes, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, _, headers = head.partition(b"\r\n")
    return status, headers.lower(), body


async def test_the_root_gives_the_information_document() -> None:
    async with listening() as place:
        status, headers, body = parts(await place.get(b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n"))
    assert status == b"HTTP/1.1 200 OK"
    assert json.loads(body) == {"relay": "test"}
    assert b"connection: close" in headers
    assert b"content-type: application/json" in headers
    assert b"cache-control: no-store" in headers


@pytest.mark.parametrize(("healthy", "status"), [(True, b"200"), (False, b"503")])
async def test_health_tells_in_its_status_and_in_its_body(healthy: bool, status: bytes) -> None:
    async with listening(healthy=healthy) as place:
        line, _, body = parts(await place.get(b"GET /health?probe=1 HTTP/1.0\r\n\r\n"))
    assert line.split()[1] == status
    assert json.loads(body) == {"healthy": healthy}


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /nowhere", b"404"),
        (b"GET //", b"404"),
        (b"POST /", b"405"),
        (b"DELETE /health", b"405"),
        (b"GET /v1", b"426"),
    ],
)
async def test_other_requests_are_refused(request_line: bytes, status: bytes) -> None:
    async with listening() as place:
        line, headers, _ = parts(await place.get(request_line + b" HTTP/1.1\r\n\r\n"))
    assert line.split()[1] == status
    assert b"cache-control: no-store" in headers
    assert b"connection: close" in headers


@pytest.mark.parametrize("path", ["/", "/v1", "/v1?x=1"])
async def test_a_websocket_opens_on_its_paths(path: str) -> None:
    async with listening() as place, place.connect(path):
        await place.recorder.heard("opened")


async def test_a_websocket_opens_nowhere_else() -> None:
    async with listening() as place:
        assert b" 404 " in await place.get(UPGRADE.replace(b"/v1", b"/v2"))
        assert place.recorder.calls == []


async def test_a_browser_s_origin_is_refused() -> None:
    async with listening() as place:
        answer = await place.get(UPGRADE[:-2] + b"Origin: https://example.org\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 403 ")


async def test_an_origin_in_the_settings_is_let_in() -> None:
    settings = EdgeSettings(origins=("https://example.org",))
    async with listening(settings) as place, place.socket() as socket:
        socket.write(UPGRADE[:-2] + b"Origin: https://example.org\r\n\r\n")
        assert b" 101 " in await socket.reader.readline()
        answer = await place.get(UPGRADE[:-2] + b"Origin: https://example.org.evil\r\n\r\n")
        assert b" 403 " in answer
