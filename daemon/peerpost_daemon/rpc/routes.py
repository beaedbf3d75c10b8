"""What an HTTP request asks for: which JSON-RPC line it stands for, and in which form the answer goes out. No sockets.

POST /rpc        a request or a batch, as a line would hold it; 204 when nothing wants an answer
GET  /events     a subscription, as server-sent events; parameters as of `event.subscribe`, `channel` and `kind`
may be repeated; `Last-Event-ID` is where an unnamed one goes on
GET  /health     `daemon.health`; 200 when all is well, 503 when not
GET  /metrics    the figures of `daemon.health` for Prometheus
`account` in a query names the account, as the member `account` of a request does.
GET  /openrpc.json   what `rpc.discover` says
"""

import json
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

MAX_TARGET: Final = 8_192  # bytes of path and query
MAX_FIELDS: Final = 600  # of the query
_ACCOUNT: Final = "account"
_LISTS: Final = {"channel": "channels", "kind": "kinds"}
_NUMBERS: Final = ("window", "max_attempts", "ack_seconds")
_TEXTS: Final = ("consumer", "from")


class Form(Enum):
    """How the answer goes out."""

    ANSWER = auto()  # the whole JSON-RPC answer
    RESULT = auto()  # its result
    HEALTH = auto()  # its result, and a status that says whether all is well
    METRICS = auto()  # its result, as Prometheus reads it
    STREAM = auto()  # what follows it, as server-sent events


class Route(Struct, frozen=True):
    """Be a line to dispatch and the form of its answer."""

    line: bytes
    form: Form


class RouteError(Exception):
    """Refuse a request with an HTTP status and a sentence."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status
        self.said = said


_PLAIN: Final = {
    "/health": ("daemon.health", Form.HEALTH),
    "/metrics": ("daemon.health", Form.METRICS),
    "/openrpc.json": ("rpc.discover", Form.RESULT),
}
_PATHS: Final = ("/rpc", "/events", *_PLAIN)


def route(method: bytes, target: bytes, headers: Mapping[bytes, bytes], body: bytes) -> Route:
    """Return what a request stands for; raise RouteError. Header names are in small letters."""
    try:
        parts = urlsplit(target.decode("ascii"))
    except ValueError:
        raise RouteError(400, "The target cannot be read.") from None
    if parts.path not in _PATHS:
        raise RouteError(404, f"There is nothing here; see {', '.join(_PATHS)}.")
    if method != (b"POST" if parts.path == "/rpc" else b"GET"):
        raise RouteError(405, "POST is for /rpc, GET for the rest.")
    if parts.path == "/rpc":
        return Route(body, Form.ANSWER)
    fields = _fields(parts.query)
    account = _account(fields)
    if parts.path == "/events":
        wanted = _wanted([each for each in fields if each[0] != _ACCOUNT], headers)
        return Route(_line("event.subscribe", wanted, account), Form.STREAM)
    name, form = _PLAIN[parts.path]
    return Route(_line(name, {}, account), form)


def _line(method: str, params: dict[str, Any], account: str | None) -> bytes:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params, _ACCOUNT: account}
    return json.dumps(request).encode()


def _account(fields: Sequence[tuple[str, str]]) -> str | None:
    return next((value for name, value in fields if name == _ACCOUNT), None)


def _fields(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise RouteError(400, "The query has too many fields.") from None


def _wanted(fields: Sequence[tuple[str, str]], headers: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Return the parameters of a subscription; what they hold is for the method to check."""
    params: dict[str, Any] = {}
    for name, value in fields:
        if name in _LISTS:
            params.setdefault(_LISTS[name], []).append(value)
        elif name in _NUMBERS:
            params[name] = _number(name, value)
        elif name in _TEXTS:
            params[name] = int(value) if name == "from" and _is_cursor(value) else value
        else:
            raise RouteError(400, f"There is no parameter {name[:64]}.")
    last = headers.get(b"last-event-id", b"").decode("latin-1")
    if "consumer" not in params and _is_cursor(last):
        params["from"] = int(last)
    return params


def _number(name: str, value: str) -> float:
    try:
        return float(value) if name == "ack_seconds" else int(value)
    except ValueError:
        raise RouteError(400, f"The parameter {name} is no number.") from None


def _is_cursor(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
