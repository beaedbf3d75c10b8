"""`peerpost history`: write the messages of a channel as JSON lines, read them in, and say how many are kept."""

from __future__ import annotations

import json
import sys
from itertools import islice

from peerpost.arguments import add_subcommands, natural, seconds
from peerpost.errors import UsageError
from peerpost.terminal import label, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator
    from typing import Any

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen
    from peerpost.types import Message

BATCH_MESSAGES = 10
MAXIMUM_LINE_BYTES = 2 * 1024 * 1024


def arguments(parser: Parser) -> None:
    """Declare the actions."""
    actions = add_subcommands(
        parser,
        {
            "export": "write all messages of a channel to standard output, one JSON object a line",
            "import": "read messages that were exported from standard input",
            "keep": "show or set how much of a channel is kept here",
        },
    )
    for action in actions.values():
        action.add_argument("channel", metavar="CHANNEL", help="a channel")
    keep = actions["keep"]
    keep.add_argument(
        "--max-age", type=seconds, metavar="S", help="remove what is older, such as 90d"
    )
    keep.add_argument("--max-count", type=natural, metavar="N", help="remove all but the newest N")
    keep.add_argument("--forever", action="store_true", help="remove nothing")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Do the action; a page at a time, so that the memory it takes is the same for any history."""
    if options.action == "export":
        for message in exported(client, options.channel):
            write(json.dumps(message))
    elif options.action == "import":
        _import(client, options.channel, screen)
    else:
        _keep(client, options, screen)


def exported(client: Client, channel: str) -> Iterator[Message]:
    """Yield all messages of a channel, the oldest first."""
    page: str | None = None
    while True:
        found = client.message_export(channel, page=page)
        yield from found["messages"]
        page = found["next"]
        if page is None:
            return


def _import(client: Client, channel: str, screen: Screen) -> None:
    lines = _messages(sys.stdin.buffer if sys.stdin is not None else ())
    imported = skipped = 0
    while batch := list(islice(lines, BATCH_MESSAGES)):
        done = client.message_import(channel, batch)
        imported, skipped = imported + done["imported"], skipped + done["skipped"]
    result = {"imported": imported, "skipped": skipped}
    screen.show(result, f"{imported} imported, {skipped} skipped")


def _messages(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line) if len(line) <= MAXIMUM_LINE_BYTES else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise UsageError("usage", f"Line {number} is no exported message.")
        yield found


def _keep(client: Client, options: Namespace, screen: Screen) -> None:
    kept = client.retention(
        options.channel,
        max_age=options.max_age,
        max_count=options.max_count,
        forever=options.forever or None,
    )
    age = "any age" if kept["max_age"] is None else f"{kept['max_age']:g} seconds"
    count = "all" if kept["max_count"] is None else f"the newest {kept['max_count']}"
    screen.show(kept, f"{label(options.channel)}: {count}, {age}")
