"""Log lines, as text or as JSON. What is logged holds no parameters and no secrets: see `rpc.dispatch`."""

import datetime
import json
import logging
from typing import Final, Literal

LogFormat = Literal["text", "json"]
LEVELS: Final = ("debug", "info", "warning", "error")


class TextLines(logging.Formatter):
    """Write `LEVEL name: message`; whoever collects the lines adds the time."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")


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
