#!/usr/bin/env python3
"""Answer questions about this host: `uptime`, `disk`. Anything else is answered with what can be asked."""

import asyncio
import shutil
from pathlib import Path

from peerpost import AsyncClient


def answer(question: str) -> str:
    """Return what is said to a question."""
    if question == "uptime":
        return f"up for {float(Path('/proc/uptime').read_text().split()[0]) / 3600:.0f} hours"
    if question == "disk":
        return f"{shutil.disk_usage('/').free >> 30} GiB are free"
    return "Ask me for: uptime, disk"


async def main() -> None:
    """Answer every message once: it is acknowledged after its answer is in the outbox."""
    async with AsyncClient() as client, client.listen(consumer="bot", kinds=["message"]) as events:
        async for event in events:
            asked = event["data"]
            if not asked["mine"] and asked["expects_reply"]:
                text = answer((asked["text"] or "").strip().lower())
                key = f"bot-{asked['message']}"  # the same answer is never sent twice
                await client.send(answers=asked["message"], text=text, idempotency_key=key)
            await client.ack(event)


asyncio.run(main())
