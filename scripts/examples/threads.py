#!/usr/bin/env python3
"""Print the threads of a channel, and answer in each that nobody has answered.

threads.py CHANNEL
"""

import asyncio
import sys
from collections import defaultdict

from peerpost import AsyncClient
from peerpost.types import Message


async def main(channel: str) -> None:
    """Group the newest messages by the message that their thread began with."""
    async with AsyncClient() as client:
        threads: defaultdict[str, list[Message]] = defaultdict(list)
        for message in (await client.message_list(channel, limit=100))["messages"]:
            threads[message["thread"] or message["message"]].append(message)
        await asyncio.gather(*(follow(client, channel, root) for root in threads))


async def follow(client: AsyncClient, channel: str, root: str) -> None:
    """Print a thread from its beginning; mark one without an answer, and answer it."""
    thread = (await client.message_list(channel, thread=root))["messages"]
    print("\n  ".join(f"{message['from']}: {message['text']}" for message in thread))
    if len(thread) == 1 and not thread[0]["mine"]:
        await client.react(root, "👀")
        answer = await client.send(channel=channel, reply_to=root, text="Somebody will look at it.")
        shown = await client.message_show(answer["message"])
        print(f"  answered in the thread {shown['thread']}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
