"""Log lines on standard error: text for people, JSON for machines, priorities for the journal.

What is logged holds no secrets, no parameters and no contents. What others wrote may be in it: it begins no line of its
own. Whoever can make us log must not fill a disk with it: a line that is said again and again is counted instead.

The relay and the daemon have one copy each of this file, the same to the byte, and a test compares them: they share
only `protocol`, which does no I/O.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from peerpost_protocol.one_line import indented, one_line

LogFormat = Literal["text", "json"]
LEVELS: Final = ("debug", "info", "warning", "error")
JOURNAL_VARIABLE: Final = "JOURNAL_STREAM"  # systemd.exec(5)
BURST_LINES: Final = 10  # of one kind in one span; the rest is counted
SPAN_SECONDS: Final = 60.0
MAX_KINDS: Final = 256  # that are counted at a time; the oldest is let go
CHATTY: Final = ("aiosqlite", "websockets")  # below WARNING: statements, headers, frames

_PRIORITIES: Final = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))  # syslog(3)
_DEBUG_PRIORITY: Final = 7

Kind = tuple[str, int, str]  # logger, level, template: one place that logs


class TextLines(logging.Formatter):
    """Write `TIME LEVEL logger: message`, and a trace indented; to the journal without the time, which it has."""

    def __init__(self, *, journal: bool = False) -> None:
        super().__init__(f"{'' if journal else '%(asctime)s '}%(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802  the base's
        """Return the time in UTC."""
        return _time(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the base's name
        """Return the line."""
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802  the base's
        """Return the lines of a trace."""
        return indented(super().formatException(ei))


class JsonLines(logging.Formatter):
    """Write one JSON object a line: `at`, `level`, `logger`, `message`; `trace` or `repeated` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line: ASCII alone, so that whatever does not print is escaped."""
        line: dict[str, object] = {
            "at": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        if repeated := getattr(record, "repeated", 0):
            line["repeated"] = repeated
        return json.dumps(line)


class _Count:
    """Be what was said of one kind since `began`."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.written = 0
        self.held: logging.LogRecord | None = None  # the newest that was not written
        self.repeated = 0


class Repeats:
    """Let BURST_LINES of a kind through in SPAN_SECONDS, and count the rest; `clock` says seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[Kind, _Count] = {}  # by when they began

    def admits(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is to be written; `ended` has been asked before."""
        if record.levelno <= logging.DEBUG:
            return True
        kind = (record.name, record.levelno, str(record.msg))
        count = self._counts.setdefault(kind, _Count(self._clock()))
        if count.written < BURST_LINES:
            count.written += 1
            return True
        count.held = record
        count.repeated += 1
        return False

    def ended(self, *, all_: bool = False) -> Iterator[logging.LogRecord]:
        """Return a line for each kind that was counted and whose span is over, and forget those kinds."""
        over = self._clock() - SPAN_SECONDS
        for kind, count in list(self._counts.items()):
            if all_ or count.began <= over or len(self._counts) >= MAX_KINDS:
                del self._counts[kind]
                if count.held is not None:
                    yield _summary(count.held, count.repeated)


class Lines(logging.StreamHandler[Any]):
    """Write to standard error; in front of each line, for the journal, its priority."""

    def __init__(self, form: LogFormat, *, journal: bool = False) -> None:
        super().__init__(sys.stderr)
        self._journal = journal
        self._repeats = Repeats()
        self.setFormatter(JsonLines() if form == "json" else TextLines(journal=journal))

    def emit(self, record: logging.LogRecord) -> None:
        """Write what has been counted until now, then the record or nothing."""
        for summary in self._repeats.ended():
            super().emit(summary)
        if self._repeats.admits(record):
            super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines."""
        text = super().format(record)
        if not self._journal:
            return text
        mark = f"<{priority(record.levelno)}>"
        return "\n".join(mark + line for line in text.split("\n"))

    def close(self) -> None:
        """Write what has been counted, and end."""
        for summary in self._repeats.ended(all_=True):
            super().emit(summary)
        super().close()


def begin(level: str, form: LogFormat, environment: Mapping[str, str] = os.environ) -> None:
    """Log to standard error from here on; called once more, in another form or from another level on."""
    handler = Lines(form, journal=to_journal(environment, sys.stderr.fileno()))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


def to_journal(environment: Mapping[str, str], descriptor: int) -> bool:
    """Tell whether a descriptor leads to the journal: its device and inode are those that systemd named."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return environment.get(JOURNAL_VARIABLE) == f"{found.st_dev}:{found.st_ino}"


def priority(level: int) -> int:
    """Return the journal's priority of a level."""
    return next((found for least, found in _PRIORITIES if level >= least), _DEBUG_PRIORITY)


def _summary(last: logging.LogRecord, repeated: int) -> logging.LogRecord:
    message = f"repeated {repeated} times: {last.getMessage()}"
    summary = logging.LogRecord(last.name, last.levelno, "", 0, message, (), None)
    summary.repeated = repeated
    return summary


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
