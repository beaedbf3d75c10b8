"""`peerpost run`: run a command, and send how it went."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from peerpost.arguments import natural
from peerpost.errors import PeerpostError, UsageError
from peerpost.terminal import complain, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import IO

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen

AFTER_DASHES = True  # what stands behind `--` is not ours to parse
TAIL_LINES = 20
MAXIMUM_TAIL_BYTES = 16 * 1024
MAXIMUM_COMMAND_CHARACTERS = 200  # of it in the message
NOT_FOUND = 127
NOT_EXECUTABLE = 126
READ_BYTES = 64 * 1024


def arguments(parser: Parser) -> None:
    """Declare whom to tell, what of it, and the command."""
    parser.add_argument("to", metavar="TO", help="an identity, or a channel's name or id")
    parser.add_argument("--on-failure", action="store_true", help="send only when it fails")
    parser.add_argument(
        "--tail",
        type=natural,
        metavar="N",
        default=TAIL_LINES,
        help=f"send the last N lines of what it says ({TAIL_LINES}); 0: none",
    )
    parser.add_argument("--key", metavar="KEY", help="send at most one message for this key")
    parser.usage = "peerpost run TO [options] -- CMD ..."


def run(client: Client, options: Namespace, screen: Screen) -> int:
    """Run the command, send its outcome, and end with its exit code."""
    command: list[str] = options.after_dashes
    if not command:
        raise UsageError("usage", "Which command? peerpost run TO -- CMD ...")
    began = time.monotonic()
    code, tail = _run(command)
    if code or not options.on_failure:
        text = _outcome(command, code, time.monotonic() - began, _last(tail, options.tail))
        _send(client, options, screen, text, code)
    return code


def _send(client: Client, options: Namespace, screen: Screen, text: str, code: int) -> None:
    """Send; what fails here must not change what the command has said by its exit code."""
    receiver = "to" if "@" in options.to else "channel"
    try:
        delivery = client.send(**{receiver: options.to}, text=text, idempotency_key=options.key)
    except PeerpostError as error:
        unsent = PeerpostError(error.kind, f"The outcome was not sent: {error}", error.data)
        report(unsent, code, as_json=screen.as_json)
        return
    if screen.as_json:
        screen.show(delivery)


def _run(command: list[str]) -> tuple[int, bytes]:
    """Run a command with our input and outputs; return its exit code and the end of what it said."""
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        complain(f"{command[0]}: {error.strerror}")
        missing = isinstance(error, FileNotFoundError)
        return (NOT_FOUND if missing else NOT_EXECUTABLE), (error.strerror or "").encode()
    tail = _Tail()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: process.send_signal(received))
    assert process.stdout is not None and process.stderr is not None  # noqa: PT018
    copying = [
        threading.Thread(target=tail.copy, args=(process.stdout, sys.stdout.buffer)),
        threading.Thread(target=tail.copy, args=(process.stderr, sys.stderr.buffer)),
    ]
    for thread in copying:
        thread.start()
    code = process.wait()
    for thread in copying:
        thread.join()
    return (code if code >= 0 else 128 - code), tail.bytes


class _Tail:
    """Keep the end of two streams, line by line in the order in which they were read."""

    def __init__(self) -> None:
        self.bytes = b""
        self._adding = threading.Lock()

    def copy(self, source: IO[bytes], to: IO[bytes]) -> None:
        """Copy a stream until it ends; go on keeping its end when nobody reads the copy."""
        shown, line = True, b""
        while data := os.read(source.fileno(), READ_BYTES):
            lines, newline, line = (line + data).rpartition(b"\n")
            self._add(lines + newline)
            if len(line) > MAXIMUM_TAIL_BYTES:
                line = line[-MAXIMUM_TAIL_BYTES:]
            try:
                if shown:
                    to.write(data)
                    to.flush()
            except OSError:
                shown = False
        self._add(line + b"\n" if line else b"")
        source.close()

    def _add(self, data: bytes) -> None:
        with self._adding:
            self.bytes = (self.bytes + data)[-MAXIMUM_TAIL_BYTES:]


def _last(tail: bytes, lines: int) -> str:
    text = tail.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return "\n".join(text.splitlines()[-lines:]) if lines else ""


def _outcome(command: list[str], code: int, seconds: float, tail: str) -> str:
    name = " ".join(command)
    if len(name) > MAXIMUM_COMMAND_CHARACTERS:
        name = name[: MAXIMUM_COMMAND_CHARACTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
    said = "succeeded" if code == 0 else f"failed with exit code {code}"
    head = f"{name.encode('utf-8', 'replace').decode()} {said} after {seconds:.1f} s"
    return f"{head}\n\n{tail}" if tail else head
