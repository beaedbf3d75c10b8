#!/usr/bin/env python3
"""Send bytes that are in no file as one, then read what was sent and write it to a folder.

files.py IDENTITY FOLDER
"""

import sys
from base64 import b64decode
from pathlib import Path

from peerpost import Client

PIECE_BYTES = 256 * 1024  # handed over at once: the memory is the same for any size


def main(who: str, folder: str) -> None:
    """Hand over a draft piece by piece, send it, and fetch it again."""
    report = b"load 0.42\n" * 100_000
    with Client() as client:
        draft = client.file_begin("load.txt", media_type="text/plain")["draft"]
        for offset in range(0, len(report), PIECE_BYTES):
            client.file_write(draft, offset, report[offset : offset + PIECE_BYTES])
        sent = client.send(
            to=who, text="the load of today", files=[{"draft": draft}], wait="delivered"
        )

        (attached,) = client.message_show(sent["message"])["files"]
        file = client.file_fetch(attached["file"], timeout=60)  # here already if it is one's own
        print(client.file_show(file["file"])["state"], file["size"], "bytes")
        piece = client.file_read(file["file"], 0, length=9)
        print(b64decode(piece["data"]).decode())
        saved = client.file_save(file["file"], str(Path(folder).resolve() / "load-copy.txt"))
        print(saved["path"])


if __name__ == "__main__":
    main(*sys.argv[1:])
