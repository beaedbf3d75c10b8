"""Log lines: text for people, JSON for machines. No line holds a token, a key or a frame."""

import json
import logging
import sys
import time


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
        return json.dumps(line, ensure_ascii=False)


def set_up(format_: str, level: str = "info") -> None:
    """Log to standard error, as `text` or `json`, what is of this level or above it."""
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if format_ == "json" else text)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # At DEBUG this one logs every statement's parameters.
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
