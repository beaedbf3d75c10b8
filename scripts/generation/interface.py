"""The daemon's interface as its own definitions tell it: what the generated pages are made of."""

from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec

from peerpost_daemon.bell import Bell
from peerpost_daemon.daemon import Daemon, MakeEngine
from peerpost_daemon.methods.registry import EVENT_TYPES, registry_of
from peerpost_daemon.rpc.discover import document
from peerpost_daemon.settings import DaemonSettings
from peerpost_daemon.version import VERSION

Json = dict[str, Any]
SCHEMAS = "#/components/schemas/"
ERRORS = "#/components/errors/"
NOWHERE = Path("/nonexistent")  # describing opens nothing


@cache
def interface() -> Json:
    """Return the OpenRPC document."""
    settings = DaemonSettings(data=NOWHERE, socket=NOWHERE / "socket")
    daemon = Daemon(settings, cast("MakeEngine", None), Bell())
    described: Json = msgspec.to_builtins(document(registry_of(daemon), EVENT_TYPES, VERSION))
    return described


def nouns() -> list[str]:
    """Return what stands before the dots of the methods."""
    return list(dict.fromkeys(noun_of(method) for method in interface()["methods"]))


def noun_of(method: Json) -> str:
    """Return what stands before the dot."""
    return str(method["name"]).partition(".")[0]


def schema_named(reference: str) -> Json:
    """Return what a reference means."""
    found: Json = interface()["components"]["schemas"][reference.removeprefix(SCHEMAS)]
    return found


def error_kinds(method: Json) -> list[str]:
    """Return the kinds of error that a method answers with."""
    return [error["$ref"].removeprefix(ERRORS) for error in method["errors"]]
