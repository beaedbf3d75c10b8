"""The wire forms of JSON-RPC 2.0: a line to its requests, an outcome to its answer.

What is checked, in this order: UTF-8 (2.1), JSON (2.2), request or batch and their shape (2.3).
msgspec stops at a nesting depth of its own, so nested input costs an error and no stack.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from peerpost_daemon.errors import ERROR_CODES, DaemonError
from peerpost_daemon.rpc.limits import (
    MAX_ACCOUNT_LENGTH,
    MAX_BATCH,
    MAX_ID_LENGTH,
    MAX_METHOD_LENGTH,
)

# An id is echoed: it is short, and an integer fits what JSON writers agree on.
_Id = (
    Annotated[str, Meta(max_length=MAX_ID_LENGTH)]
    | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    | None
)
RequestId = str | int | None


class Request(Struct, frozen=True):
    """A request as it travels; without an id it is a notification and gets no answer. `account` is ours."""

    jsonrpc: Literal["2.0"]
    method: Annotated[str, Meta(max_length=MAX_METHOD_LENGTH)]
    params: Raw | UnsetType = UNSET
    id: _Id | UnsetType = UNSET
    account: Annotated[str, Meta(max_length=MAX_ACCOUNT_LENGTH)] | None = None


class Refusal(Struct, frozen=True):
    """What came in a request's place, and the id to answer it under."""

    error: DaemonError
    id: RequestId | UnsetType = None


class Line(Struct, frozen=True):
    """What one line holds: one request, or a batch, which is answered as a list."""

    requests: tuple[Request | Refusal, ...]
    batch: bool = False


class _Identified(Struct, frozen=True):
    id: _Id = None


class _Success(Struct, tag_field="jsonrpc", tag="2.0"):
    id: RequestId
    result: Any


class _Fault(Struct):
    code: int
    message: str
    data: dict[str, object]


class _Failure(Struct, tag_field="jsonrpc", tag="2.0"):
    id: RequestId
    error: _Fault


class _Notification(Struct, tag_field="jsonrpc", tag="2.0"):
    method: str
    params: Struct


# A list type would build millions of elements before its length is looked at; an array-like struct
# stops at the first element too many.
_Batch = msgspec.defstruct(
    "_Batch",
    [(f"request_{n}", Raw | UnsetType, UNSET) for n in range(MAX_BATCH)],
    array_like=True,
    forbid_unknown_fields=True,
)
_BATCH_FIELDS: Final = _Batch.__struct_fields__

_request: Final = msgspec.json.Decoder(Request)
_batch: Final = msgspec.json.Decoder(_Batch)
_identified: Final = msgspec.json.Decoder(_Identified)
_any_json: Final = msgspec.json.Decoder(Raw)
_encoder: Final = msgspec.json.Encoder()


def read_line(line: bytes) -> Line:
    """Return what the line holds; never raises: what cannot be read is a Refusal in its place."""
    try:
        if not line.isascii():
            line.decode()  # msgspec passes over the strings it does not build
        if line.lstrip()[:1] == b"[":
            return _read_batch(line)
        return Line((_read_request(line),))
    except UnicodeDecodeError:
        return _refused("parse_error", "The line is not UTF-8.")
    except (msgspec.DecodeError, RecursionError) as error:
        return _refused("parse_error", f"The line is not JSON: {error}.")


def _read_batch(line: bytes) -> Line:
    try:
        members = _batch.decode(line)
    except msgspec.ValidationError:
        return _refused("too_large", f"A batch holds at most {MAX_BATCH} requests.")
    found = [raw for name in _BATCH_FIELDS if (raw := getattr(members, name)) is not UNSET]
    if not found:
        return _refused("invalid_request", "A batch holds at least one request.")
    return Line(tuple(_read_request(raw) for raw in found), batch=True)


def _read_request(line: bytes | Raw) -> Request | Refusal:
    try:
        return _request.decode(line)
    except msgspec.ValidationError as error:
        _any_json.decode(line)  # what is not JSON at all is a parse error, whatever its start says
        message = f"Not a JSON-RPC 2.0 request: {error}."
        return Refusal(DaemonError("invalid_request", message), _id_of(line))


def _id_of(line: bytes | Raw) -> RequestId:
    try:
        return _identified.decode(line).id
    except msgspec.ValidationError:
        return None


def _refused(kind: str, message: str) -> Line:
    return Line((Refusal(DaemonError(kind, message)),))


def success(request_id: RequestId, result: Struct) -> bytes:
    """Encode an answer, without newline. Raises what msgspec raises for a result it cannot encode."""
    return _encoder.encode(_Success(request_id, result))


def failure(request_id: RequestId, error: DaemonError) -> bytes:
    """Encode an error answer, without newline. Raises as success does, for unencodable data."""
    fault = _Fault(ERROR_CODES[error.kind], error.message, error.data())
    return _encoder.encode(_Failure(request_id, fault))


def batch(answers: list[bytes]) -> bytes:
    """Encode a batch's answer out of its members' answers."""
    return b"[" + b",".join(answers) + b"]"


def notification(method: str, params: Struct) -> bytes:
    """Encode a notification to the client, without newline."""
    return _encoder.encode(_Notification(method, params))
