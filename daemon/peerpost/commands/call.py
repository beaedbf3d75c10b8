"""`peerpost call`: call any method of the daemon with JSON."""

from __future__ import annotations

import json
import sys

from peerpost.errors import UsageError
from peerpost.rpc import MAXIMUM_REQUEST_BYTES
from peerpost.terminal import write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the method and its parameters."""
    parser.add_argument("method", metavar="METHOD", help="such as daemon.status")
    parser.add_argument(
        "params",
        metavar="JSON",
        nargs="?",
        default="{}",
        help="an object of parameters; `-` reads it from standard input, as secrets must be",
    )


def run(client: Client, options: Namespace, _screen: Screen) -> None:
    """Print the result as JSON, whatever it is."""
    write(json.dumps(client.call(options.method, **_params(options.params))))


def _params(text: str) -> dict[str, Any]:
    if text == "-":
        text = _input()
    try:
        params = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError("usage", "The parameters are not JSON.") from None
    if not isinstance(params, dict):
        raise UsageError("usage", "The parameters are not a JSON object.")
    return params


def _input() -> str:
    if sys.stdin is None:
        raise UsageError("usage", "Standard input is closed.")
    try:
        return sys.stdin.read(MAXIMUM_REQUEST_BYTES)
    except UnicodeDecodeError:
        raise UsageError("usage", "The parameters are not UTF-8.") from None
