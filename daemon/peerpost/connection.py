"""A blocking connection to the daemon: lines out, lines in, each with a deadline."""

from __future__ import annotations

from _socket import AF_UNIX, SOCK_STREAM, socket  # `socket` adds enums that cost milliseconds
from time import monotonic

from peerpost.errors import ConnectionLostError, NoDaemonError, TimeoutWaitingError
from peerpost.lines import LineBuffer

READ_BYTES = 64 * 1024


class Connection:
    """One Unix socket. Deadlines are readings of the monotonic clock in seconds, or None."""

    def __init__(self, path: str, deadline: float | None) -> None:
        self._lines = LineBuffer()
        self._socket = socket(AF_UNIX, SOCK_STREAM)
        try:
            self._limit(deadline)
            self._socket.connect(path)
        except OSError as error:  # a path that is too long is one as well
            self.close()
            raise NoDaemonError("no_daemon", no_daemon_sentence(path, error)) from None
        except BaseException:
            self.close()
            raise

    def send(self, line: bytes, deadline: float | None) -> None:
        """Send a whole line."""
        self._limit(deadline)
        try:
            self._socket.sendall(line)
        except TimeoutError:
            raise _too_late() from None
        except OSError:
            raise connection_lost() from None

    def receive(self, deadline: float | None) -> bytes:
        """Return the next line; raise ConnectionLostError when the daemon has gone."""
        while (line := self._lines.take()) is None:
            self._limit(deadline)
            self._lines.feed(self._read())
        return line

    def close(self) -> None:
        """Close the socket; closing twice is harmless."""
        self._socket.close()

    def _read(self) -> bytes:
        try:
            data = self._socket.recv(READ_BYTES)
        except TimeoutError:
            raise _too_late() from None
        except OSError:
            raise connection_lost() from None
        if not data:
            raise connection_lost()
        return data

    def _limit(self, deadline: float | None) -> None:
        left = None if deadline is None else deadline - monotonic()
        if left is not None and left <= 0:
            raise _too_late()
        self._socket.settimeout(left)


def no_daemon_sentence(path: str, error: OSError) -> str:
    """Return the sentence for a socket that cannot be reached."""
    return f"No daemon answers on {path}: {error.strerror or error}. Is peerpostd running?"


def connection_lost() -> ConnectionLostError:
    """Return the error for a connection that ended before the answer."""
    return ConnectionLostError(
        "connection_lost", "The daemon closed the connection before it answered."
    )


def _too_late() -> TimeoutWaitingError:
    return TimeoutWaitingError("timeout", "The daemon did not answer in time.")
