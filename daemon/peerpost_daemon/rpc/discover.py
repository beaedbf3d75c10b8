"""The OpenRPC 1.3 document, written from the declarations that check the calls."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from peerpost_daemon.errors import ERROR_CODES, ERROR_MEANINGS
from peerpost_daemon.rpc.call import Call
from peerpost_daemon.rpc.method import Method, Registry, Requires
from peerpost_daemon.rpc.rights import Reach, Scope

OPENRPC_VERSION: Final = "1.3.2"
_SCHEMAS: Final = "#/components/schemas/"
_ERRORS: Final = "#/components/errors/"
_PROTOCOL_KINDS: Final = (
    "invalid_params",
    "internal_error",
    "shutting_down",
    "forbidden",
)  # any method's
_GATE_KINDS: Final = {
    Requires.NOTHING: (),
    Requires.VAULT: ("no_vault", "locked"),
    Requires.ACCOUNT: ("no_vault", "locked", "no_account"),
}

Schema = dict[str, Any]


class EventType(NamedTuple):
    """A kind of notification: the struct of its data and a sentence."""

    kind: str
    data: type[Struct]
    summary: str


class Info(Struct, frozen=True):
    """Name the interface and its version."""

    title: str
    version: str


class OpenRpc(Struct, frozen=True, rename={"notifications": "x-notifications"}):
    """An OpenRPC document; ``x-notifications`` describes what subscriptions bring."""

    openrpc: str
    info: Info
    methods: list[dict[str, Any]]
    notifications: list[dict[str, Any]]
    components: dict[str, Any]


class Discover(Struct, frozen=True, forbid_unknown_fields=True):
    """Take no parameters."""


def document(registry: Registry, events: Iterable[EventType], version: str) -> OpenRpc:
    """Describe all methods, events and errors."""
    methods, kinds = list(registry), list(events)
    types = {m.params for m in methods} | {m.result for m in methods} | {e.data for e in kinds}
    ordered = sorted(types, key=lambda struct: (struct.__name__, struct.__module__))
    references, schemas = msgspec.json.schema_components(ordered, ref_template=_SCHEMAS + "{name}")
    of = dict(zip(ordered, references, strict=True))
    return OpenRpc(
        openrpc=OPENRPC_VERSION,
        info=Info("peerpost daemon", version),
        methods=[_method(method, of, schemas) for method in methods],
        notifications=[
            {"kind": event.kind, "summary": event.summary, "schema": of[event.data]}
            for event in kinds
        ],
        components={"schemas": schemas, "errors": {kind: _error(kind) for kind in ERROR_CODES}},
    )


def _method(method: Method, of: dict[type[Struct], Schema], schemas: Schema) -> Schema:
    shape = schemas[of[method.params]["$ref"].removeprefix(_SCHEMAS)]
    kinds = dict.fromkeys((*_PROTOCOL_KINDS, *_GATE_KINDS[method.requires], *method.errors))
    return {
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-name",
        "params": _params(shape),
        "result": {"name": method.result.__name__, "schema": of[method.result]},
        "errors": [{"$ref": _ERRORS + kind} for kind in kinds],
        "x-requires": method.requires.value,
        "x-scope": method.scope.value,
        "x-reach": method.reach.value,
    }


def _params(shape: Schema) -> list[Schema]:
    """Return the content descriptors; OpenRPC wants the required ones first."""
    required = shape.get("required", [])
    descriptors = [
        {"name": name, "required": name in required, "schema": schema}
        for name, schema in shape["properties"].items()
    ]
    return sorted(descriptors, key=lambda descriptor: not descriptor["required"])


def _error(kind: str) -> Schema:
    return {"code": ERROR_CODES[kind], "message": ERROR_MEANINGS[kind], "data": {"kind": kind}}


def register_discover(
    registry: Registry, events: Iterable[EventType] = (), version: str = "0"
) -> None:
    """Add rpc.discover, which describes whatever the registry holds when it is called."""
    kinds = tuple(events)

    @registry.method(
        "rpc.discover", scope=Scope.RECEIVE, reach=Reach.CHANNELS, requires=Requires.NOTHING
    )
    async def discover(params: Discover, call: Call) -> OpenRpc:  # noqa: ARG001 - a handler's shape
        """Describe this interface as an OpenRPC document."""
        return document(registry, kinds, version)
