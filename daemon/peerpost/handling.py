"""A command for each event of a queue: `peerpost listen --exec`.

The event is JSON on the command's standard input; what identifies it is in `PEERPOST_*` variables, its text is not,
because an environment can be read by every process of the user. Nothing of a message is ever part of the command line.

Exit code 0 acknowledges the event. Anything else gives it back, later each time, until the daemon makes it a dead
letter. The daemon keeps the counts: what is killed here, and how, loses nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time

from peerpost.errors import PeerpostError
from peerpost.terminal import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Self

    from peerpost.client import Client
    from peerpost.types import Event

SHELL = "/bin/sh"
ANSWER_SECONDS = 15.0  # beyond the command's own time, until the daemon takes the event back
GRACE_SECONDS = 2.0  # between SIGTERM and SIGKILL
POLL_SECONDS = 0.02
LONGEST_DELAY_SECONDS = 300.0
MAXIMUM_VALUE_CHARACTERS = 1_000  # of a variable
_OF_A_MESSAGE = {
    "MESSAGE": "message",
    "CHANNEL": "channel",
    "CHANNEL_NAME": "channel_name",
    "FROM": "from",
    "TYPE": "kind",
    "MEDIA_TYPE": "media_type",
}


def delay_before(attempt: int | None) -> float:
    """Return the seconds until the next try after this one: 1, 2, 4 … 300."""
    return min(LONGEST_DELAY_SECONDS, 2.0 ** min((attempt or 1) - 1, 16))


def variables(event: Event, path: str, account: str | None = None) -> dict[str, str]:
    """Return what a command is told in its environment; `path` is the daemon's socket."""
    told = {"SOCKET": path, "ACCOUNT": account, "KIND": event["kind"], "CURSOR": event["cursor"]}
    told["ATTEMPT"] = event.get("attempt") or 1
    data: dict[str, Any] = event["data"]
    if event["kind"] == "message":
        told |= {name: data.get(key) for name, key in _OF_A_MESSAGE.items()}
    return {f"PEERPOST_{name}": _value(value) for name, value in told.items() if value is not None}


def _value(value: object) -> str:
    text = str(value)[:MAXIMUM_VALUE_CHARACTERS].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text.encode("utf-8", "replace").decode()


class Handling:
    """Run a command for events, several at once; a context manager that leaves no process behind."""

    def __init__(self, client: Client, command: str, seconds: float) -> None:
        self._client = client
        self._command = command
        self._seconds = seconds
        self._answering = threading.Lock()  # a client is for one thread at a time
        self._running: dict[threading.Thread, subprocess.Popen[bytes] | None] = {}
        self._changing = threading.Lock()
        self._stopped = False

    def __enter__(self) -> Self:
        signal.signal(signal.SIGTERM, _end)
        return self

    def __exit__(self, kind: object, *_exception: object) -> None:
        if kind is not None:
            self._stop()
        for thread in list(self._running):
            thread.join()

    def begin(self, event: Event) -> None:
        """Start the command for an event, and answer for the event when it has ended."""
        thread = threading.Thread(target=self._handle, args=(event,), name="handler")
        self._running[thread] = None
        thread.start()

    def _handle(self, event: Event) -> None:
        try:
            failure = self._run(event)
            if not self._stopped:  # else the end of the connection gives the event back
                self._answer(event, failure)
        finally:
            with self._changing:
                self._running.pop(threading.current_thread(), None)

    def _run(self, event: Event) -> str | None:
        """Run the command; return what went wrong."""
        environment = os.environ | variables(event, self._client.path, self._client.account)
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own command, with nothing added
                [SHELL, "-c", self._command],
                stdin=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # so that it ends with everything it has started
            )
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        self._note(process)
        try:
            process.communicate(json.dumps(event).encode(), timeout=self._seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            return f"was ended after {self._seconds:g} s"
        return None if process.returncode == 0 else f"ended with {process.returncode}"

    def _note(self, process: subprocess.Popen[bytes]) -> None:
        with self._changing:
            self._running[threading.current_thread()] = process
        if self._stopped:  # it was, while this one began
            _kill(process)

    def _answer(self, event: Event, failure: str | None) -> None:
        delay = delay_before(event.get("attempt"))
        try:
            with self._answering:
                if failure is None:
                    self._client.ack(event)
                    return
                refused = self._client.nack(event, delay)
        except PeerpostError as error:
            complain(f"Event {event['cursor']} comes again: {error}")
            return
        dead = refused is not None and refused["state"] == "dead"
        after = "it is a dead letter now" if dead else f"it comes again in {delay:g} s"
        complain(f"The command for event {event['cursor']} {failure}; {after}.")

    def _stop(self) -> None:
        self._stopped = True
        with self._changing:
            processes = [process for process in self._running.values() if process is not None]
        for process in processes:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a command and all it has started, at first politely."""
    _signal(process, signal.SIGTERM)
    until = time.monotonic() + GRACE_SECONDS
    # Not waited for as usual: once it is reaped, its number may be the group of somebody else.
    while not _has_ended(process) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    _signal(process, signal.SIGKILL)
    process.wait()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return process.returncode is not None or bool(os.waitid(os.P_PID, process.pid, options))


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
