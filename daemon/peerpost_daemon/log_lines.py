"""Log lines, as text or as JSON. What is logged holds no parameters and no secrets: see `rpc.dispatch`."""

import datetime
import json
import logging
from typing import Any, Final, Literal

from peerpost_protocol.one_line import indented, one_line

LogFormat = Literal["text", "json"]
LEVELS: Final = ("debug", "info", "warning", "error")


class TextLines(logging.Formatter):
    """Write `LEVEL name: message`; whoever collects the lines adds the time.

    What a relay or a member wrote may be in a message: it begins no line of its own. A trace follows indented.
    """

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the base's name
        """Return the line."""
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802  the base's
        """Return the lines of a trace."""
        return indented(super().formatException(ei))


class JsonLines(logging.Formatter):
    """Write one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "name": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def begin(level: str, form: LogFormat) -> None:
    """Log to standard error from here on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # These two say at INFO and DEBUG what is nobody's business: statements and headers.
    for name in ("aiosqlite", "websockets"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
