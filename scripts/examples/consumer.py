#!/usr/bin/env python3
"""Work off a queue of messages: each is done once, given back, or put aside after three attempts.

consumer.py CHANNEL COUNT
"""

import asyncio
import sys

from peerpost import AsyncClient

ATTEMPTS = 3


def work(text: str) -> None:
    """Do what a message asks for; raise ValueError when it cannot be done."""
    print(text, int(text) ** 2)


async def main(channel: str, count: str) -> None:
    """Take so many messages, then put those that failed back once."""
    async with AsyncClient() as client:
        done = 0
        async with client.listen(
            consumer="squares",
            channels=[channel],
            kinds=["message"],
            from_="start",
            ack_seconds=30,
            max_attempts=ATTEMPTS,
        ) as events:
            async for event in events:
                try:
                    work(event["data"]["text"])
                    await client.ack(event)
                    done += 1
                except ValueError:
                    refused = await client.nack(event, delay=0)
                    done += refused is not None and refused["state"] == "dead"
                if done == int(count):
                    break
        for letter in (await client.dead_letters("squares"))["dead_letters"]:
            print("dead:", letter["data"]["text"], letter["attempts"], "attempts")
        print((await client.requeue("squares"))["count"], "come again")
        print((await client.discard("squares"))["count"], "are given up")
        print((await client.consumer_show("squares"))["consumer"], "is forgotten")
        await client.consumer_remove("squares")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
