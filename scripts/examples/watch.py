#!/usr/bin/env python3
"""Print a line for everything that happens at the daemon; a place to begin from.

watch.py [COUNT]
"""

import asyncio
import sys
from typing import Any

from peerpost import AsyncClient


def line(kind: str, data: dict[str, Any]) -> str:  # noqa: PLR0911 - a line for each kind
    """Return what is said of an event."""
    match kind:
        case "message":
            return f"{data['from']}: {data['text']}"
        case "message.changed":
            return f"{data['by']} has {data['change']} {data['message']['message']}"
        case "message.status":
            return f"{data['message']} is {data['status']}"
        case "receipt":
            return f"{data['identity']} has all up to {data['sequence']}"
        case "channel":
            return f"{data['name']}: {data['change']} by {data['by']}"
        case "contact.changed":
            return f"{data['identity']}: {data['reason']}"
        case "file":
            return f"{data['name']}: {data['state']}, {data['done']} of {data['size']} bytes"
        case "quarantine":
            return f"not shown: {data['reason']}"
        case "link" | "daemon" | "backup":
            return str(data.get("change") or data.get("state"))
        case _:
            return "of a later version"


async def main(count: int | None = None) -> None:
    """Print what has happened and what happens, so many lines or without end."""
    printed = 0
    async with AsyncClient() as client, client.listen(from_="start") as events:
        async for event in events:
            print(f"{event['kind']}: {line(event['kind'], event['data'])}", flush=True)
            printed += 1
            if printed == count:
                return


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
