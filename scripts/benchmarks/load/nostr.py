"""nostr-relay (PyPI) under load: a relay in Python that verifies every event and stores it.

Its interpreter signs the events: the curve of Nostr is not among our libraries.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from scripts.benchmarks.load.generator import MARK
from scripts.benchmarks.load.server import HOST, Server
from scripts.benchmarks.load.team import ENVELOPE_BYTES
from scripts.benchmarks.load.wire import TEXT, Line, Lines, masked
from tests.support.processes import free_port

PROGRAM = "nostr-relay"
EVENTS = Path(__file__).with_name("nostr_events.py")
CONTENT_BYTES = ENVELOPE_BYTES - 330  # what an event's other fields take
EVENTS_MAX = 4_000  # of one run: more than it carries in that time
ANSWERED = '["OK"'

CONFIGURATION = """
relay_name: bench
storage:
  sqlalchemy.url: sqlite+aiosqlite:///{folder}/nostr.sqlite3
  validators:
    - nostr_relay.validators.is_signed
verification:
  nip05_verification: disabled
gunicorn:
  bind: {host}:{port}
  workers: 1
  loglevel: error
authentication:
  enabled: false
message_timeout: 1800
subscription_limit: 32
max_limit: 6000
"""


class NostrUnderLoad:
    """Be one `nostr-relay serve`."""

    name = "nostr-relay"

    def __init__(self, folder: Path, core: int | None) -> None:
        folder.mkdir(parents=True)
        port = free_port()
        file = folder / "config.yaml"
        file.write_text(CONFIGURATION.format(folder=folder, host=HOST, port=port))
        self.server = Server(folder, core, [PROGRAM, "-c", str(file), "serve"], port)
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
        return self._lines.open()

    def reader(self) -> Line:
        """Return a connection that is subscribed to all new events."""
        line = self.session()
        line.send(b'["REQ","bench",{"kinds":[1],"limit":1}]', TEXT)
        assert b"EOSE" in line.next()
        return line


def messages(count: int) -> Iterator[bytes]:
    """Yield the WebSocket frames of signed events, as long as our envelopes."""
    program = shutil.which(PROGRAM)
    assert program is not None
    python = Path(program).resolve().with_name("python3")
    asked: list[str | Path] = [
        python,
        EVENTS,
        "0",
        str(min(count, EVENTS_MAX)),
        MARK,
        str(CONTENT_BYTES),
    ]
    events = subprocess.run(asked, check=True, capture_output=True).stdout.splitlines()
    for event in events:
        yield masked(b'["EVENT",' + event + b"]", TEXT)
