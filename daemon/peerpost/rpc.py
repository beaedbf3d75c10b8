"""JSON-RPC 2.0 as lines of bytes: what is sent, and what an answer says. No I/O."""

from __future__ import annotations

import json

from peerpost.errors import PeerpostError, UsageError, error_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAXIMUM_REQUEST_BYTES = 8 * 1024 * 1024  # what a daemon reads as one line


def request(number: int, method: str, params: dict[str, Any], account: str | None = None) -> bytes:
    """Return the line that asks for a method; raise UsageError for what JSON cannot carry."""
    call = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    if account is not None:
        call["account"] = account
    try:
        text = json.dumps(call, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        line = text.encode() + b"\n"
    except ValueError:  # lone surrogates, NaN; the value may be secret and is not repeated
        raise UsageError("invalid_params", "A parameter is not valid Unicode or JSON.") from None
    if len(line) > MAXIMUM_REQUEST_BYTES:
        raise error_of("too_large", f"A request has at most {MAXIMUM_REQUEST_BYTES} bytes.")
    return line


def parse(line: bytes) -> dict[str, Any]:
    """Return the object on a line; raise `bad_answer` when it is none."""
    try:
        reply = json.loads(line)
    except (ValueError, RecursionError):
        raise PeerpostError("bad_answer", "The daemon sent something that is not JSON.") from None
    if not isinstance(reply, dict):
        raise PeerpostError("bad_answer", "The daemon sent something that is not an object.")
    return reply


def result(reply: dict[str, Any]) -> Any:  # noqa: ANN401 - what the method returns
    """Return the result of an answer, or raise the error it carries."""
    if "error" in reply:
        raise _error(reply["error"])
    if "result" not in reply:
        raise PeerpostError("bad_answer", "The daemon sent neither a result nor an error.")
    return reply["result"]


def answers(reply: dict[str, Any], number: int) -> bool:
    """Tell whether a message answers a request; an error without id is about the last one."""
    return "method" not in reply and (
        reply.get("id") == number or (reply.get("id") is None and "error" in reply)
    )


def _error(error: object) -> PeerpostError:
    if not isinstance(error, dict):
        return PeerpostError("bad_answer", "The daemon sent an error that is not an object.")
    data = error.get("data")
    details = data if isinstance(data, dict) else {}
    kind = details.get("kind", "internal_error")
    return error_of(str(kind), str(error.get("message", "The daemon reported an error.")), details)
