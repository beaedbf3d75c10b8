#!/usr/bin/env python3
"""Let a second daemon take part as a further device of one's identity, end it, renew the first.

devices.py SECOND_SOCKET SECOND_ACCOUNT TOKEN_FILE
"""

import sys
from pathlib import Path

from peerpost import Client


def main(socket: str, account: str, token_file: str) -> None:
    """Link, approve by the code that the new device shows, list, revoke, rotate."""
    token = Path(token_file).read_text().strip()
    with Client() as first, Client(socket, account=account) as second:
        identity = first.account_show()["identity"]
        linking = second.account_link(identity, token=token, device="phone", with_history=True)
        # A person carries the code, or scans it: so no relay can put another card in its place.
        first.account_approve(linking["code"], with_history=True)
        for device in first.account_devices()["devices"]:
            print(device["device"], device["state"])
        print(first.card_revoke(linking["card"], reason="lost")["state"])
        print(len(first.card_search(identity)["cards"]), "card is live")
        before = first.card_show()["card"]
        renewed = first.account_rotate()[
            "card"
        ]  # it connects anew with it: the relay is away shortly
        print("renewed:", before != renewed)


if __name__ == "__main__":
    main(*sys.argv[1:])
