#!/usr/bin/env python3
"""Write to somebody without any set-up, wait until it arrived, and look at the conversation.

direct.py IDENTITY TEXT
"""

import sys

from peerpost import Client


def main(who: str, text: str) -> None:
    """Send, wait, and print what was said lately."""
    with Client() as client:
        sent = client.send(to=who, text=text, wait="delivered", timeout=30)
        print(sent["message"], client.message_status(sent["message"])["status"])
        for message in client.message_list(who, limit=10)["messages"]:
            print(f"{message['from']}: {message['text']}")
        client.mark_read(who)


if __name__ == "__main__":
    main(*sys.argv[1:])
