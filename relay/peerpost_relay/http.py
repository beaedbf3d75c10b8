"""Answer plain HTTP on the relay's port.

`GET /` gives the information document, `GET /health` 200 or 503; both as JSON, both never
cached. `/` and `/v1` are also where a WebSocket may be opened. Each answer ends its connection.
"""

import email.utils
from collections.abc import Callable
from http import HTTPStatus

import msgspec
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

UPGRADE_PATHS = frozenset({"/", "/v1"})

Information = Callable[[], object]  # anything msgspec writes as JSON
Health = Callable[[], tuple[bool, object]]  # well or not, and the JSON to say about it


class Pages:
    """Hold what the plain pages say."""

    __slots__ = ("_health", "_information")

    def __init__(self, information: Information, health: Health) -> None:
        self._information = information
        self._health = health

    def answer(self, request: Request) -> Response | None:
        """Answer a plain request; None when it asks for a WebSocket where one may be opened."""
        path = request.path.partition("?")[0]
        if path in UPGRADE_PATHS and (path != "/" or "Upgrade" in request.headers):
            return None
        if path not in {"/", "/health"}:
            return document(HTTPStatus.NOT_FOUND, {"kind": "not_found"})
        if request.method != "GET":
            return document(HTTPStatus.METHOD_NOT_ALLOWED, {"kind": "method"}, ("Allow", "GET"))
        if path == "/":
            return document(HTTPStatus.OK, self._information())
        well, body = self._health()
        return document(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE, body)


def document(status: HTTPStatus, body: object, *more: tuple[str, str]) -> Response:
    """Build a JSON answer that ends its connection and is kept by nobody."""
    data = msgspec.json.encode(body)
    headers = Headers(
        [
            ("Date", email.utils.formatdate(usegmt=True)),
            ("Connection", "close"),
            ("Content-Length", str(len(data))),
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            *more,
        ]
    )
    return Response(status.value, status.phrase, headers, data)


def full(retry_after_seconds: int) -> Response:
    """Build the refusal of one connection too many."""
    body = {"kind": "full", "retry_after": retry_after_seconds}
    return document(HTTPStatus.SERVICE_UNAVAILABLE, body, ("Retry-After", str(retry_after_seconds)))
