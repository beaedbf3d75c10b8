"""HTTP on the same socket: requests, streams of events, and what is no request."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from peerpost_daemon.health.metrics import LABELLED, ROWS
from peerpost_daemon.records import events
from peerpost_daemon.rpc import http as http_module
from peerpost_daemon.rpc.routes import MAX_TARGET
from tests.daemon.methods.house import BOB, House, house, message_by
from tests.daemon.rpc.stage import Stage, serving


class Asking:
    """Speak HTTP over one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, head: str, body: bytes = b"") -> tuple[int, Any]:
        """Send a request, and return status and body of the answer."""
        self.say(head, body)
        return await self.hear()

    def say(self, head: str, body: bytes = b"", **headers: object) -> None:
        named = {"host": "peerpost"} | headers | ({"content-length": len(body)} if body else {})
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
        self.writer.write(f"{head} HTTP/1.1\r\n{lines}\r\n".encode() + body)

    async def hear(self) -> tuple[int, Any]:
        status, headers = await self.head()
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return status, json.loads(body) if body else None

    async def head(self) -> tuple[int, dict[str, str]]:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        named = (line.lower().partition(": ") for line in lines[1:] if line)
        return int(lines[0].split()[1]), {name: value for name, _, value in named}

    async def event(self) -> dict[str, str]:
        """Return the fields of the next event of a stream; each is a chunk of its own."""
        size = int(await self.reader.readline(), 16)
        text = (await self.reader.readexactly(size + 2)).decode()
        return dict(line.split(": ", 1) for line in text.strip().splitlines())


@asynccontextmanager
async def asking(path: Path) -> AsyncIterator[Asking]:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        yield Asking(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def alice(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        await made.open()
        yield made


@pytest.fixture
async def http(alice: House) -> AsyncIterator[Asking]:
    async with asking(alice.daemon.settings.socket) as client:
        yield client


def call(method: str, number: int | None = 1, **params: Any) -> bytes:
    body = {"jsonrpc": "2.0", "method": method, "params": params}
    return json.dumps(body if number is None else body | {"id": number}).encode()


async def test_a_request_is_answered(http: Asking) -> None:
    status, answer = await http.ask("POST /rpc", call("daemon.status"))
    assert (status, answer["result"]["state"]) == (200, "ready")


async def test_a_connection_serves_one_request_after_the_other(http: Asking) -> None:
    for number in range(3):
        _, answer = await http.ask("POST /rpc", call("daemon.status", number))
        assert answer["id"] == number


async def test_requests_that_come_at_once_are_answered_in_their_order(http: Asking) -> None:
    for number in range(5):
        http.say("POST /rpc", call("daemon.status", number))
    assert [(await http.hear())[1]["id"] for _ in range(5)] == list(range(5))


async def test_a_batch_is_answered_as_one(http: Asking) -> None:
    body = b"[" + call("daemon.status", 1) + b"," + call("no.such", 2) + b"]"
    status, answers = await http.ask("POST /rpc", body)
    assert status == 200
    assert [("result" in answer) for answer in answers] == [True, False]


async def test_a_notification_gets_an_empty_answer(http: Asking) -> None:
    assert await http.ask("POST /rpc", call("daemon.status", None)) == (204, None)


async def test_what_is_no_json_rpc_is_told_so(http: Asking) -> None:
    _, answer = await http.ask("POST /rpc", b"hello")
    assert answer["error"]["data"]["kind"] == "parse_error"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /rpc", 405),
        ("POST /events", 405),
        ("GET /other", 404),
        ("GET /rpc/../etc", 404),
        ("GET //[", 400),
        ("GET /events?colour=red", 400),
        ("GET /events?window=many", 400),
        ("GET /events?consumer=", 400),
        ("GET /events?" + "kind=message&" * 601, 400),
    ],
)
async def test_a_wrong_request_is_refused_and_the_connection_goes_on(
    http: Asking, head: str, status: int
) -> None:
    assert (await http.ask(head))[0] == status
    assert (await http.ask("GET /health"))[0] in {200, 503}


@pytest.mark.parametrize(
    ("bytes_", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\n" + b"x: y\r\n" * 4_000, 431),
        (b"GET /" + b"x" * MAX_TARGET + b" HTTP/1.1\r\nhost: x\r\n\r\n", 414),
        (b"POST /rpc HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", 400),
    ],
)
async def test_what_is_no_http_ends_the_connection(
    http: Asking, bytes_: bytes, status: int
) -> None:
    http.writer.write(bytes_)
    assert (await http.hear())[0] == status
    assert await http.reader.read() == b""


async def test_health_has_a_status_for_those_who_only_look_at_that(http: Asking) -> None:
    status, health = await http.ask("GET /health")
    assert (status == 200) == health["well"]


async def test_the_description_of_the_interface_is_there(http: Asking) -> None:
    _, document = await http.ask("GET /openrpc.json")
    assert document["openrpc"]


async def test_events_are_streamed(alice: House, http: Asking) -> None:
    http.say("GET /events?kind=message")
    status, headers = await http.head()
    assert (status, headers["content-type"]) == (200, "text/event-stream")
    assert (await http.event())["event"] == "subscribed"
    await alice.arrived(message_by(BOB, await alice.channel(BOB), "two\nlines"))
    event = await http.event()
    assert event["event"] == "message"
    data = json.loads(event["data"])
    assert (data["data"]["text"], str(data["cursor"])) == ("two\nlines", event["id"])


async def test_an_unnamed_stream_goes_on_after_its_last_event(alice: House, http: Asking) -> None:
    channel = await alice.channel(BOB)
    for text in ("one", "two"):
        await alice.arrived(message_by(BOB, channel, text))
    newest = await alice.daemon.read(events.newest)
    http.say("GET /events?kind=message", last_event_id=newest - 1)
    await http.head()
    await http.event()
    assert json.loads((await http.event())["data"])["data"]["text"] == "two"


async def test_a_consumer_gets_again_what_it_did_not_acknowledge(alice: House) -> None:
    await alice.arrived(message_by(BOB, await alice.channel(BOB), "hello"))
    for _ in range(2):
        async with asking(alice.daemon.settings.socket) as client:
            client.say("GET /events?consumer=bot&kind=message")
            await client.head()
            await client.event()
            cursor = (await client.event())["id"]
    async with asking(alice.daemon.settings.socket) as client:
        _, answer = await client.ask(
            "POST /rpc", call("event.ack", consumer="bot", cursor=int(cursor))
        )
        assert answer["result"]["cursor"] == int(cursor)


async def test_a_subscription_that_cannot_be_is_an_answer_and_no_stream(http: Asking) -> None:
    status, answer = await http.ask("GET /events?channel=nowhere")
    assert (status, answer["error"]["data"]["kind"]) == (400, "unknown_channel")


async def test_a_subscription_by_post_is_refused(http: Asking) -> None:
    assert (await http.ask("POST /rpc", call("event.subscribe")))[0] == 400


async def test_a_silent_stream_has_a_beat(
    alice: House, http: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "BEAT_SECONDS", 0.01)
    http.say("GET /events")
    await http.head()
    await http.event()
    assert await http.reader.readline() == b"3\r\n"
    assert await http.reader.readline() == b":\n"


async def test_a_reader_that_goes_ends_its_subscription(alice: House) -> None:
    async with asking(alice.daemon.settings.socket) as client:
        client.say("GET /events?consumer=bot")
        await client.head()
        assert (await alice.result("consumer.show", consumer="bot"))["subscriptions"] == 1
    async with asyncio.timeout(10):
        while (await alice.result("consumer.show", consumer="bot"))["subscriptions"]:
            pass


async def test_a_body_past_its_bound_is_refused(tmp_path: Path) -> None:
    async with (
        serving(tmp_path / "run/s", Stage(), max_line=1_000) as server,
        asking(server.path) as client,
    ):
        client.say("POST /rpc", b"x" * 1_001)
        assert (await client.hear())[0] == 413


async def test_a_client_that_says_nothing_is_dropped(tmp_path: Path) -> None:
    async with serving(tmp_path / "run/s", Stage(), silent_seconds=0.01) as server:
        async with asking(server.path) as client:
            assert await client.reader.read() == b""
        assert server.clients == 0


async def test_clients_that_say_nothing_take_places_too(tmp_path: Path) -> None:
    path = tmp_path / "run/s"
    async with serving(path, Stage(), max_clients=1), asking(path), asking(path) as second:
        answer = json.loads(await second.reader.readline())
        assert answer["error"]["data"]["kind"] == "too_many_requests"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_curl_is_enough(alice: House) -> None:
    process = await asyncio.create_subprocess_exec(
        *("curl", "-s", "--unix-socket", str(alice.daemon.settings.socket)),
        *("-d", call("daemon.status").decode(), "http://peerpost/rpc"),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert json.loads(output)["result"]["state"] == "ready"


async def test_metrics_are_the_figures_of_the_health(http: Asking) -> None:
    http.writer.write(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    text = (await http.reader.read()).decode()
    assert "content-type: text/plain; version=0.0.4" in text.lower()
    shown = set(re.findall(r"^(peerpost_daemon_\w+?)(?:\{.*\})? \S+$", text, re.MULTILINE))
    assert {"peerpost_daemon_ready", "peerpost_daemon_faults_total"} <= shown
    assert shown <= {row.name for row in (*ROWS, *LABELLED)}
