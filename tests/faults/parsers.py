"""Every parser that faces the network, the socket or a file somebody else may have written.

Each has valid inputs to start from, and the errors that it may raise; any other one is a fault.
"""

import typing
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from types import UnionType
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from websockets.frames import Frame, Opcode

from peerpost import rpc as client_rpc
from peerpost.errors import PeerpostError
from peerpost_daemon.bell import Bell
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.engine import Engine
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link.errors import RelayFaultError
from peerpost_daemon.link.session import Session
from peerpost_daemon.link.settings import Credentials
from peerpost_daemon.methods.registry import registry_of
from peerpost_daemon.methods.send import Send, order
from peerpost_daemon.rpc.envelope import Request, read_line
from peerpost_daemon.rpc.lines import Lines
from peerpost_daemon.settings import DaemonSettings
from peerpost_daemon.vault import keyfile
from peerpost_protocol.backup import Opener, parse_preamble
from peerpost_protocol.backup.records import decode_record
from peerpost_protocol.card import open_card
from peerpost_protocol.content import (
    Content,
    Correlation,
    Data,
    Deletion,
    Edit,
    File,
    Files,
    Presentation,
    Reaction,
    ReadMark,
    Text,
    decode_content,
    encode_content,
)
from peerpost_protocol.envelope import parse_envelope, recipients_of, unseal, verify_envelope
from peerpost_protocol.frames import (
    ClientFrame,
    HistoryPage,
    RelayFrame,
    decode_client_frame,
    decode_relay_frame,
    decode_signed,
    encode_frame,
)
from peerpost_protocol.head import request_of
from peerpost_protocol.history import Began, open_history
from peerpost_protocol.identity import normalise
from peerpost_protocol.limits import MAX_FRAME
from peerpost_protocol.padding import pad, unpad
from peerpost_protocol.receipt import Mark, ReceiptBody, parse_receipt
from peerpost_protocol.roster import Leave, parse_event, verify_event
from peerpost_protocol.signing import Signed
from peerpost_protocol.statement import Endorse, parse_statement
from peerpost_protocol.wire import Decoder, encode
from peerpost_relay.handshake import Handshake
from peerpost_relay.http import Pages
from peerpost_relay.incoming import Incoming
from peerpost_relay.settings import EdgeSettings
from tests.faults.local_parsers import LOCAL_PARSERS
from tests.faults.parser import Parser
from tests.support import backups
from tests.support.identities import RELAY, begun, device, stated
from tests.support.people import added, changed, channel_of, digest, opened, person, sealed
from tests.support.wire_values import values

SAMPLES_A_FRAME = 8
STREAM_BOUND, STREAM_FRAGMENTS = 2_048, 4

ALICE, BOB = person("alice"), person("bob")
CHANNEL = channel_of(ALICE, BOB)
ENVELOPE = sealed(ALICE, CHANNEL, ALICE, BOB)
OPENED = opened(ENVELOPE, ALICE)
OURS = (*CHANNEL.events, *added(CHANNEL, ALICE, person("carol")).events[-1:])
EVENTS = (
    *OURS,
    *changed(CHANNEL, BOB, Leave()).events[-1:],
)
_page = Decoder[HistoryPage](HistoryPage, "page", MAX_FRAME)
HTTP = (
    b"GET / HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: peerpost.v1\r\n\r\n"
)


def _samples(union: object) -> list[bytes]:
    """Return encoded values of every frame of a union, the same in every run."""
    found: list[bytes] = []
    frames = typing.get_args(union) if isinstance(union, UnionType) else (union,)
    for frame in frames:

        @settings(
            max_examples=SAMPLES_A_FRAME,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault
        )
        @given(values(frame))
        def take(value: Any) -> None:
            found.append(encode_frame(value))

        take()
    return found


def _payload(parse: Callable[[Signed], Any]) -> Callable[[bytes], Any]:
    return lambda data: parse(Signed(data, bytes(64)))


def _wraps(data: bytes) -> object:
    parts = msgspec.structs.replace(OPENED.parts, wraps=data)
    changed_ = msgspec.structs.replace(OPENED, parts=parts)
    recipients_of(changed_)
    return unseal(changed_, ALICE.card.id, ALICE.keys.encryption_private)


def _verified_envelope(data: bytes) -> object:
    return verify_envelope(parse_envelope(data), ALICE.card)


def _verified_event(data: bytes) -> object:
    return verify_event(parse_event(decode_signed(data)), ALICE.card)


def _session(data: bytes) -> object:
    """Let a fresh session of the daemon's link receive one frame."""
    session = Session(Credentials(ALICE.card, ALICE.keys), bytes(32), "fuzz")
    session.begin(0.0)
    return session.receive(data, at=0.0, now_ms=0)


def _no_engine(*_: object) -> Engine:
    raise AssertionError("nothing is unlocked here")


_NOWHERE = DaemonSettings(data=Path("/nonexistent"), socket=Path("/nonexistent/daemon.sock"))
_METHODS = {method.name: method for method in registry_of(Daemon(_NOWHERE, _no_engine, Bell()))}


def _line(data: bytes) -> object:
    """Read a line of the daemon's socket, and the parameters of what it asks for."""
    for request in read_line(data).requests:
        if isinstance(request, Request) and request.method in _METHODS:
            params = _METHODS[request.method].read_params(request.params)
            if isinstance(params, Send):
                order(params)
    return None


def _lines(data: bytes) -> object:
    lines = Lines(64)
    lines.feed(data)
    lines.finish()
    while lines.next() is not None:
        pass
    return None


def _answer(data: bytes) -> object:
    return client_rpc.result(client_rpc.parse(data))


def _handshake(data: bytes) -> object:
    pages = Pages(dict, lambda: (True, {}))
    verdict = Handshake(EdgeSettings(), pages, lambda _: False).receive(data)
    if verdict is not None and not verdict.accepted and verdict.answer:
        status = int(verdict.answer.split(b" ", 2)[1])
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            raise AssertionError("the handshake answered 500")
    return verdict


def _websocket(data: bytes) -> object:
    """Cut a client's stream into events; in two reads it must give what one read gives."""
    whole, parts = (
        Incoming(STREAM_BOUND, STREAM_FRAGMENTS),
        Incoming(STREAM_BOUND, STREAM_FRAGMENTS),
    )
    half = sum(data) % (len(data) + 1)
    events = whole.receive(data)
    assert events == parts.receive(data[:half]) + parts.receive(data[half:])
    assert whole.violation == parts.violation
    return events


def _stream() -> list[bytes]:
    """Return what clients send: messages whole and in fragments, pings, closings."""
    frames = (
        [
            Frame(Opcode.BINARY, b"x" * 5),
            Frame(Opcode.PING, b"p"),
            Frame(Opcode.CLOSE, b"\x03\xe8ok"),
        ],
        [Frame(Opcode.BINARY, b"a", fin=False), Frame(Opcode.CONT, b"b"), Frame(Opcode.PONG, b"")],
        [Frame(Opcode.BINARY, bytes(200)), Frame(Opcode.BINARY, bytes(STREAM_BOUND))],
    )
    return [b"".join(f.serialize(mask=True) for f in stream) for stream in frames]


def _identity(data: bytes) -> object:
    return normalise(data.decode("utf-8", "surrogateescape"))


def _keyfile_seed() -> bytes:
    cost = keyfile.Cost(opslimit=1, memlimit=8192)
    return keyfile.seal(bytes(32), b"secret", cost, salt=bytes(16), nonce=bytes(24))


def _bulk(data: bytes) -> object:
    opener = Opener(backups.KEY, backups.HEADER)
    return opener.feed(data) + opener.finish()


def _contents() -> list[bytes]:
    """Return one content of each kind, with everything that may stand beside its body."""
    message, author = bytes(16), ALICE.identity
    attached = File(digest("b"), digest("k"), 5, digest("s"), "a.png", "image/png", b"x")
    bodies = (
        Text("hello"),
        Data("application/json", b"{}"),
        Files("look", (attached,)),
        Reaction(message, author, "+1", withdrawn=False),
        Edit(message, "better"),
        Deletion(message, author),
        ReadMark(7),
    )
    shown = Presentation("title", 3, ("tag",), (BOB.identity,), markdown=True)
    beside = (message, Correlation(message, answers=True))
    return [
        encode_content(Content(ALICE.card.id, CHANNEL.id, 1, *beside, body, shown))
        for body in bodies
    ]


def _entries() -> list[bytes]:
    first = begun(ALICE)
    phone = device("alice", "phone", ALICE)
    endorsed = stated(first, ALICE, phone, Endorse())
    return [encode(HistoryPage(1, ALICE.identity, (Began(ALICE.card.signed), endorsed), 2))]


def _history(data: bytes) -> object:
    """Open what a relay answers for a history."""
    page = _page(data)
    return open_history(page.entries, RELAY.public)


def _json_lines() -> list[bytes]:
    asked = [
        (
            "message.send",
            {"to": "bob@example.org", "text": "hello", "wait": "sent", "timeout": 1.5},
        ),
        ("message.send", {"channel": "ops", "data": "aGVsbG8=", "media_type": "text/plain"}),
        ("message.list", {"channel": "ab" * 32, "after": 1, "before": 9, "limit": 50}),
        ("event.subscribe", {"consumer": "bot", "kinds": ["message"], "from": 3}),
        ("event.ack", {"consumer": "bot", "cursor": 3}),
        ("channel.create", {"name": "ops", "members": ["bob@example.org"]}),
        ("account.register", {"identity": "alice@example.org", "token": "t", "timeout": 2}),
        ("daemon.unlock", {"passphrase": "p", "create": True}),
    ]
    calls = [
        {"jsonrpc": "2.0", "id": n, "method": m, "params": p} for n, (m, p) in enumerate(asked)
    ]
    return [*map(msgspec.json.encode, calls), msgspec.json.encode(calls[:3])]


ANSWERS = (
    b'{"jsonrpc":"2.0","id":1,"result":{"state":"ready"}}',
    b'{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"no","data":{"kind":"locked"}}}',
)
_CLIENT, _RELAY = _samples(ClientFrame), _samples(RelayFrame)

PARSERS = (
    Parser("client frame", decode_client_frame, _CLIENT),
    Parser("relay frame", decode_relay_frame, _RELAY),
    Parser("request number", request_of, _CLIENT, ()),
    Parser("link session", _session, _RELAY, (RelayFaultError,)),
    Parser("signed", decode_signed, [encode(ALICE.card.signed)]),
    Parser("card", _payload(open_card), [ALICE.card.signed.payload, BOB.card.signed.payload]),
    Parser("roster event", _payload(parse_event), [e.signed.payload for e in EVENTS]),
    Parser("verified roster event", _verified_event, [encode(e.signed) for e in OURS], slow=True),
    Parser("envelope", parse_envelope, [ENVELOPE]),
    Parser("verified envelope", _verified_envelope, [ENVELOPE], slow=True),
    Parser("wraps", _wraps, [OPENED.parts.wraps], slow=True),
    Parser("content", decode_content, _contents()),
    Parser(
        "statement",
        _payload(parse_statement),
        [stated(begun(ALICE), ALICE, BOB, Endorse()).statement.payload],
    ),
    Parser("history page", _history, _entries(), slow=True),
    Parser("padding", unpad, [pad(b"data"), pad(bytes(300))]),
    Parser(
        "receipt",
        _payload(parse_receipt),
        [
            encode(ReceiptBody(digest("c"), digest("d"), 1, 1, ())),
            encode(
                ReceiptBody(
                    digest("c"), digest("d"), 9, 1, (Mark(ALICE.card.id, 5, digest("e"), (1, 3)),)
                )
            ),
        ],
    ),
    Parser("identity", _identity, [b"alice@example.org", b"Backup@db1.example.org"], text=True),
    Parser("JSON-RPC request", _line, _json_lines(), (DaemonError,), text=True),
    Parser("JSON-RPC lines", _lines, [b"\n".join(_json_lines()[:2]) + b"\r\n"], (), text=True),
    Parser("JSON-RPC answer", _answer, ANSWERS, (PeerpostError,), text=True),
    Parser("key file", keyfile._parse, [_keyfile_seed()], (DaemonError,)),
    Parser("backup preamble", parse_preamble, [backups.whole(backups.records(3))]),
    Parser("backup bulk", _bulk, [backups.bulk(backups.records(3))]),
    Parser("backup record", decode_record, [encode(one) for one in backups.records(1)]),
    Parser("WebSocket stream", _websocket, _stream(), ()),
    Parser("HTTP handshake", _handshake, [HTTP], (), text=True, slow=True),
    *LOCAL_PARSERS,
)
