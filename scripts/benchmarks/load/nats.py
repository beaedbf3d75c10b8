"""NATS under load: its WebSocket listener; JetStream with every write synced.

Nothing is verified here and the core's messages are not stored; what is compared is the transport.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from scripts.benchmarks.load.generator import marked
from scripts.benchmarks.load.server import HOST, Server
from scripts.benchmarks.load.team import ENVELOPE_BYTES, FILLER
from scripts.benchmarks.load.wire import Line, Lines, masked
from tests.support.processes import free_port

PROGRAM = "nats-server"
SUBJECT, STREAM = "bench", "stored"
CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"protocol":1,"headers":true}\r\nPING\r\n'
ANSWERED = '"seq":'  # what every acknowledgement of JetStream holds


class NatsUnderLoad:
    """Be one `nats-server`."""

    name = "nats"
    path = "/"

    def __init__(self, folder: Path, core: int | None, program: str = PROGRAM) -> None:
        folder.mkdir(parents=True)
        port = free_port()
        (folder / "nats.conf").write_text(
            f'listen: "{HOST}:{free_port()}"\n'
            f"websocket {{ host: {HOST}, port: {port}, no_tls: true, compression: false }}\n"
            f'jetstream {{ store_dir: "{folder / "store"}", sync_interval: always }}\n'
        )
        self.server = Server(folder, core, [program, "-c", str(folder / "nats.conf")], port)
        self._lines = Lines(HOST, port)

    @property
    def pid(self) -> int:
        """Return the process's number."""
        return self.server.pid

    def stop(self) -> None:
        """End it."""
        self._lines.close()
        self.server.stop()

    def session(self) -> Line:
        """Return a connection."""
        line = self._lines.open()
        line.next()  # INFO
        line.send(CONNECT)
        _until(line, b"PONG")
        return line

    def reader(self) -> Line:
        """Return a connection that hears the subject."""
        line = self.session()
        line.send(f"SUB {SUBJECT} 1\r\nPING\r\n".encode())
        _until(line, b"PONG")
        return line

    def stream(self) -> None:
        """Make a stream that stores what is published under its subject."""
        line = self.answered_session(0)
        config = {"name": STREAM, "subjects": [STREAM], "storage": "file", "retention": "limits"}
        body = json.dumps(config)
        line.send(f"PUB $JS.API.STREAM.CREATE.{STREAM} a.0.x {len(body)}\r\n{body}\r\n".encode())
        said = _until(line, b"config")
        assert b'"error"' not in said, said
        line.close()

    def answered_session(self, number: int) -> Line:
        """Return a connection that hears the acknowledgements of what it publishes."""
        line = self.session()
        line.send(f"SUB a.{number}.* 1\r\nPING\r\n".encode())
        _until(line, b"PONG")
        return line


def messages(count: int) -> Iterator[bytes]:
    """Yield the WebSocket frames of marked messages, as long as our envelopes."""
    for number in range(count):
        payload = (marked(number) + FILLER)[:ENVELOPE_BYTES]
        yield masked(b"PUB %b %d\r\n%b\r\n" % (SUBJECT.encode(), len(payload), payload))


def stored_messages(count: int, connection: int) -> Iterator[bytes]:
    """Yield the frames of messages that JetStream stores and acknowledges."""
    for number in range(count):
        payload = (marked(number) + FILLER)[:ENVELOPE_BYTES]
        head = f"PUB {STREAM} a.{connection}.{number} {len(payload)}\r\n"
        yield masked(head.encode() + payload + b"\r\n")


def _until(line: Line, wanted: bytes) -> bytes:
    while wanted not in (said := line.next()):
        assert not said.startswith(b"-ERR"), said
    return said
