"""Log lines: text for people, JSON for machines. No line holds a token, a key or a frame."""

import json
import logging
import sys
import time
from typing import Any

from peerpost_protocol.one_line import indented, one_line


class JsonLines(logging.Formatter):
    """Write one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        line: dict[str, object] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)  # ASCII alone: whatever does not print is escaped


class TextLines(logging.Formatter):
    """Write `TIME LEVEL logger: message`; what others wrote begins no line of its own, and a trace is indented."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the base's name
        """Return the line."""
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802  the base's
        """Return the lines of a trace."""
        return indented(super().formatException(ei))


def set_up(format_: str, level: str = "info") -> None:
    """Log to standard error, as `text` or `json`, what is of this level or above it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if format_ == "json" else TextLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # At DEBUG this one logs every statement's parameters.
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
