"""Webhooks, posted to a real HTTP server; the signature against the specification's own example."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.hooks.event import HookEvent
from peerpost_daemon.hooks.settings import HookSettings
from peerpost_daemon.hooks.webhook import Webhook, parse_secret, signature

# github.com/standard-webhooks/standard-webhooks, the example of its libraries' tests
SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = HookEvent(7, "message", 1_750_000_000_000, 2, Raw(b'{"text":"hello"}'))
BODY = b'{"cursor":7,"kind":"message","at_ms":1750000000000,"attempt":2,"data":{"text":"hello"}}'


class Receiver(HTTPServer):
    """Answer each POST as told, and keep what it brought."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        named = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, named, body))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.server.requests.append((self.path, {}, b"GET"))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_bytes(SECRET + b"\n")
    file.chmod(0o600)
    return file


def hook(url: str, **more: Any) -> HookSettings:
    return HookSettings(name="alert", url=url, **more)


def test_the_signature_is_that_of_the_specification() -> None:
    made = signature(
        parse_secret(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_the_event_is_posted_and_signed(receiver: Receiver, secret: Path) -> None:
    post = Webhook(hook(receiver.url, secret_file=secret), now=lambda: 1_614_265_330.9)
    assert await post(EVENT) is None
    ((path, headers, body),) = receiver.requests
    assert (path, body) == ("/hook", BODY)
    assert headers["webhook-id"] == "alert-7"
    assert headers["webhook-timestamp"] == "1614265330"
    expected = signature(parse_secret(SECRET), "alert-7", 1_614_265_330, BODY)
    assert headers["webhook-signature"] == expected


async def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    await Webhook(hook(receiver.url))(EVENT)
    assert "webhook-signature" not in receiver.requests[0][1]


@pytest.mark.parametrize("status", [400, 410, 500])
async def test_another_answer_is_a_failure(receiver: Receiver, status: int) -> None:
    receiver.status = status
    failure = await Webhook(hook(receiver.url))(EVENT)
    assert failure is not None
    assert failure.reason == f"was answered {status}"


async def test_the_receiver_may_say_when_to_come_back(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 429, {"retry-after": "999999"}
    failure = await Webhook(hook(receiver.url))(EVENT)
    assert failure is not None
    assert failure.retry_after == 3_600.0


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with receiving() as other:
        receiver.status, receiver.headers = 302, {"location": other.url}
        failure = await Webhook(hook(receiver.url))(EVENT)
    assert failure is not None
    assert other.requests == []


async def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        assert await Webhook(hook(receiver.url))(EVENT) is None
    assert proxy.requests == []


async def test_a_receiver_that_is_not_there_is_a_failure() -> None:
    with receiving() as gone:
        url = gone.url
    failure = await Webhook(hook(url))(EVENT)
    assert failure is not None
    assert failure.reason == "could not be posted: ConnectionRefusedError"


@pytest.mark.parametrize("text", [b"", b"whsec_!!", b"whsec_c2hvcnQ=", b"\xff"])
def test_a_bad_secret_is_refused_without_being_shown(text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(text)
    file.chmod(0o600)
    with pytest.raises(DaemonError) as raised:
        Webhook(hook("https://example.org", secret_file=file))
    assert "c2hvcnQ" not in str(raised.value)


def test_a_secret_that_others_can_read_is_refused(secret: Path) -> None:
    secret.chmod(0o644)
    with pytest.raises(DaemonError, match="chmod 600"):
        Webhook(hook("https://example.org", secret_file=secret))
