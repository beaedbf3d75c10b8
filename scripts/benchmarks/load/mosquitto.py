"""Mosquitto under load: MQTT 3.1.1 over its WebSocket listener, quality of service 0.

Nothing is verified or stored here; what is compared is the transport. `user root` means nothing
unless root starts it: it would otherwise become a user who may not read its folder.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from scripts.benchmarks.load.generator import marked
from scripts.benchmarks.load.server import HOST, Server
from scripts.benchmarks.load.team import ENVELOPE_BYTES, FILLER
from scripts.benchmarks.load.wire import Line, Lines, masked
from tests.support.processes import free_port

PROGRAM = "mosquitto"
TOPIC = b"bench"
CONNACK, SUBACK = 0x20, 0x90


class MosquittoUnderLoad:
    """Be one `mosquitto`."""

    name = "mosquitto"

    def __init__(self, folder: Path, core: int | None, program: str = PROGRAM) -> None:
        folder.mkdir(parents=True)
        port = free_port()
        (folder / "mosquitto.conf").write_text(
            f"listener {free_port()} {HOST}\nlistener {port} {HOST}\nprotocol websockets\nallow_anonymous true\n"
            "user root\npersistence false\nmax_queued_messages 0\nset_tcp_nodelay true\nlog_type error\n"
        )
        command = [program, "-c", str(folder / "mosquitto.conf")]
        self.server = Server(folder, core, command, port)
        self._lines = Lines(HOST, port)
        self._sessions = count(1)

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
        line = self._lines.open("mqtt", "/mqtt")
        client = _text(b"bench%d" % next(self._sessions))
        line.send(_packet(0x10, _text(b"MQTT") + b"\x04\x02\x00\x00" + client))
        assert line.next()[0] == CONNACK
        return line

    def reader(self) -> Line:
        """Return a connection that hears the topic."""
        line = self.session()
        line.send(_packet(0x82, b"\x00\x01" + _text(TOPIC) + b"\x00"))
        assert line.next()[0] == SUBACK
        return line


def messages(number_of: int) -> Iterator[bytes]:
    """Yield the WebSocket frames of marked messages, as long as our envelopes."""
    for number in range(number_of):
        payload = (marked(number) + FILLER)[:ENVELOPE_BYTES]
        yield masked(_packet(0x30, _text(TOPIC) + payload))


def _text(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def _packet(head: int, body: bytes) -> bytes:
    """Write an MQTT control packet (MQTT 3.1.1, section 2.2)."""
    length, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        length += bytes((digit | (0x80 if left else 0),))
        if not left:
            return bytes((head,)) + length + body
