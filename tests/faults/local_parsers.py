"""Parsers of what people, programs of this machine and files of theirs say; and of pages that a sibling hands on."""

import asyncio
import json
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec

from peerpost import invitation
from peerpost.commands import history as exported
from peerpost.durations import duration
from peerpost.errors import UsageError
from peerpost_daemon import fingerprints, link_code, safety_number
from peerpost_daemon.configuration import DaemonConfiguration
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.files.names import safe_name
from peerpost_daemon.hooks import settings as hooks
from peerpost_daemon.hooks.webhook import parse_secret
from peerpost_daemon.inbound import inherited
from peerpost_daemon.methods import archive, pages, times
from peerpost_daemon.records.messages import Message
from peerpost_daemon.records.search_query import QueryError, compiled, terms
from peerpost_daemon.rpc.call import Caller, Peer
from peerpost_daemon.rpc.dispatch import Dispatcher
from peerpost_daemon.rpc.http import HttpConnection
from peerpost_daemon.rpc.limits import RpcLimits
from peerpost_daemon.rpc.method import Registry
from peerpost_daemon.rpc.rights import EVERYTHING
from peerpost_protocol import configuration
from peerpost_protocol.errors import ProtocolError
from peerpost_relay.addresses import forwarded_for, network_of
from peerpost_relay.configuration import RelayConfiguration, address_of
from peerpost_relay.errors import ConfigurationError
from peerpost_relay.invitations import check_address
from tests.faults.parser import Parser

CARD, MESSAGE = "ab" * 32, "0194a3b0-7f00-7000-8000-000000000001"


def _text(parse: Callable[[str], Any]) -> Callable[[bytes], Any]:
    return lambda data: parse(data.decode("utf-8", "replace"))


def _daemon_configuration(data: bytes) -> object:
    found = configuration.read(
        DaemonConfiguration, data, defaults={"data": Path("/d"), "socket": Path("/s")}
    )
    hooks.check(found.hooks)
    return found


def _relay_configuration(data: bytes) -> object:
    found = configuration.read(RelayConfiguration, data)
    return [address_of(one) for one in found.listen]


def _assigned(data: bytes) -> object:
    said = [line.decode("utf-8", "replace") for line in data.split(b"\n")]
    return configuration.read(RelayConfiguration, assigned=said)


def _query(text: str) -> object:
    return compiled(terms(text), channels=None, sender=None)


def _imported(data: bytes) -> object:
    """Read a line of an export as the command does, and its parameters as the daemon does."""
    found = []
    for message in exported._messages(data.split(b"\n")):
        try:
            one = msgspec.convert(message, archive.Imported)
        except msgspec.ValidationError:
            continue  # what the daemon answers as invalid_params
        found.append(archive._presentation(one))
    return found


def _page(data: bytes) -> object:
    return inherited.sound(data, now_ms=0)


def _socket(data: bytes) -> object:
    return asyncio.run(_spoken(data))


async def _spoken(data: bytes) -> object:
    """Let a client of the daemon's socket say something by HTTP, in two parts, and hang up."""
    here, there = socket.socketpair()
    transport = _Recorded(here)
    ended = asyncio.Event()
    dispatcher = Dispatcher(Registry(), lambda _: None)
    with here, there:
        connection = HttpConnection(
            dispatcher, RpcLimits(), CALLER, lambda _: None, lambda _: ended.set()
        )
        connection.connection_made(cast("asyncio.Transport", transport))
        half = sum(data) % (len(data) + 1)
        for part in (data[:half], data[half:]):
            connection.data_received(part)
            await asyncio.sleep(0)
        for _ in range(8):
            await asyncio.sleep(0)
        connection.eof_received()
        connection.connection_lost(None)
        async with asyncio.timeout(5):
            await ended.wait()
    assert not transport.aborted
    return bytes(transport.said)


class _Recorded:
    """Be a transport that keeps what is written."""

    def __init__(self, end: socket.socket) -> None:
        self.said = bytearray()
        self.aborted = False
        self._end = end
        self._closing = False

    def get_extra_info(self, _name: str) -> socket.socket:
        return self._end

    def set_write_buffer_limits(self, *_bounds: int) -> None:
        return

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        return

    def resume_reading(self) -> None:
        return

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: bytes) -> None:
        self.said += data

    def close(self) -> None:
        self._closing = True

    def abort(self) -> None:
        self.aborted = self._closing = True


def _pages() -> list[bytes]:
    id_, who = bytes(16), "bob@example.org"
    text = Message(id_, bytes(32), bytes(32), who, False, 1, 1, None, b"hi", None, 1, 1, None)  # noqa: FBT003
    data = msgspec.structs.replace(text, media_type="text/plain", title="t", deleted_by=who)
    return [msgspec.msgpack.encode([text, data])]


def _exported() -> list[bytes]:
    message = {
        "message": MESSAGE,
        "from": "bob@example.org",
        "from_card": CARD,
        "kind": "text",
        "text": "hello",
        "sent_at_ms": 1,
        "tags": ["a"],
        "mentions": ["bob@example.org"],
        "priority": "high",
        "title": "t",
    }
    return [json.dumps(message).encode()]


CALLER = Caller.of(Peer(0, 0, 0), EVERYTHING)
DAEMON_TOML = b"""data = "/var/lib/peerpost"
relay = "wss://relay.example.org"
log_level = "info"
[[hooks]]
name = "alert"
exec = ["/bin/cat", "-"]
timeout_seconds = 1.5
[[hooks]]
name = "post"
url = "https://example.org/hook?a=b"
kinds = ["message"]
"""
RELAY_TOML = b"""data = "/var/lib/peerpost-relay"
listen = ["127.0.0.1:8437", "unix:/run/relay.sock"]
[relay]
allow_unverified = true
waiting_days = 7
[edge]
proxies = ["127.0.0.0/8"]
close_seconds = 5.0
"""
REQUESTS = [
    b'POST /rpc HTTP/1.1\r\nhost: x\r\ncontent-length: 46\r\n\r\n{"jsonrpc":"2.0","id":1,"method":"daemon.none"}',
    b"GET /health HTTP/1.1\r\nhost: x\r\n\r\nGET /openrpc.json HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /events?channel=ops&from=7&window=3&ack_seconds=1.5 HTTP/1.1\r\nhost: x\r\nlast-event-id: 9\r\n\r\n",
    b"POST /rpc HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HEAD /metrics HTTP/1.0\r\nexpect: 100-continue\r\n\r\n",
]
INVITATION = f"peerpost://join?relay=wss%3A%2F%2Frelay.example.org&key={CARD}&token=pp_t".encode()
CODE = link_code.text_of(bytes(32)).encode()
LISTED = b"# known\nbob@example.org  9B04 95FA FCF3 A187 2D30 82F3 4ADA 3E1A 4639 0E95\n" + (
    b"alice@example.org " + CARD.encode()
)

_local = partial(Parser, errors=(DaemonError,), text=True)
LOCAL_PARSERS = (
    Parser(
        "daemon's configuration",
        _daemon_configuration,
        [DAEMON_TOML],
        (ProtocolError, DaemonError),
        text=True,
        slow=True,
    ),
    Parser(
        "relay's configuration",
        _relay_configuration,
        [RELAY_TOML],
        (ProtocolError, ConfigurationError),
        text=True,
        slow=True,
    ),
    Parser(
        "options",
        _assigned,
        [b"relay.waiting_days=7\nedge.close_seconds=1.5", b"listen=['[::1]:1']"],
        text=True,
        slow=True,
    ),
    Parser("HTTP on the socket", _socket, REQUESTS, (), text=True, slow=True),
    Parser("invitation", _text(invitation.read), [INVITATION], (UsageError,), text=True),
    Parser(
        "relay's address",
        _text(check_address),
        [b"wss://relay.example.org:443", b"ws://[::1]:1"],
        (ConfigurationError,),
        text=True,
    ),
    Parser("exported messages", _imported, _exported(), (UsageError, DaemonError), text=True),
    Parser("history page of a sibling", _page, _pages(), ()),
    Parser(
        "webhook's secret",
        parse_secret,
        [b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        (ValueError,),
        text=True,
    ),
    Parser(
        "forwarded for",
        _text(lambda t: (forwarded_for([t]), network_of(t))),
        [b"1.2.3.4, ::1%eth0", b"::ffff:1.2.3.4"],
        (),
        text=True,
    ),
    Parser("file name", _text(safe_name), ["../\u202ea.png".encode(), b"-rf.txt"], (), text=True),
    Parser("duration", _text(duration), [b"90", b"1.5h"], (ValueError,), text=True),
    Parser("safety number", _text(safety_number.read_number), [b"12345 67890"], (), text=True),
    Parser(
        "link code",
        _text(lambda t: link_code.names(t, bytes(32))),
        [CODE],
        (),
        text=True,
        slow=True,
    ),
    Parser(
        "search query", _text(_query), [b'disk "is full" -test back*'], (QueryError,), text=True
    ),
    _local("known fingerprints", _text(fingerprints.parse), [LISTED]),
    _local("page cursor", _text(pages.place), [pages.written(7, onward=True).encode()]),
    _local("time", _text(partial(times.time_ms, field="since")), [b"2026-11-22T15:00:00Z"]),
)
