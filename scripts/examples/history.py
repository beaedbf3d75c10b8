#!/usr/bin/env python3
"""Search a channel, copy it into a file of JSON lines, read that in again, and bound what is kept.

history.py CHANNEL WORDS FILE
"""

import json
import sys
from pathlib import Path

from peerpost import Client


def main(channel: str, words: str, file: str) -> None:
    """Do all of it, one after the other."""
    with Client() as client:
        for hit in client.search(words, channel=channel, limit=20)["hits"]:
            print("".join(piece["text"] for piece in hit["snippet"]))
        print(export(client, channel, Path(file)), "messages exported")
        lines = Path(file).read_text().splitlines()
        told = client.message_import(channel, [json.loads(line) for line in lines])
        print(told["imported"], "imported,", told["skipped"], "here already")
        client.retention(channel, max_age=90 * 86400, max_count=100_000)
        kept = client.retention(channel)  # without bounds it only tells
        print(kept["max_count"], "messages are kept at most")


def export(client: Client, channel: str, file: Path) -> int:
    """Write all messages, the oldest first, page by page; return how many there are."""
    count, page = 0, None
    with file.open("w") as out:
        while True:
            found = client.message_export(channel, page=page)
            out.writelines(json.dumps(message) + "\n" for message in found["messages"])
            count, page = count + len(found["messages"]), found["next"]
            if page is None:
                return count


if __name__ == "__main__":
    main(*sys.argv[1:])
