#!/usr/bin/env python3
"""Say something in an hour, change one's mind, and say something that is forgotten after an hour.

schedule.py CHANNEL
"""

import sys
from datetime import UTC, datetime, timedelta

from peerpost import Client


def main(channel: str) -> None:
    """Schedule, cancel, send, correct, take back."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    with Client() as client:
        later = client.send(channel=channel, text="Standup", send_at=soon.isoformat())
        print(client.cancel(later["message"])["status"])
        once = client.send(
            channel=channel,
            text="The code of the door is 4711",
            title="Door",
            priority="high",
            tags=["door"],
            expires_in=3600,
            idempotency_key="door-code",
            wait="sent",
        )
        client.edit(once["message"], "The code of the door is 4712")
        client.delete(once["message"])
        print(client.message_status(once["message"])["status"])


if __name__ == "__main__":
    main(*sys.argv[1:])
