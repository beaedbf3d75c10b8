"""Read the QR codes of a picture; a process of its own, `python -m peerpost.picture`, started by `peerpost.scanning`.

The picture comes by standard input, the codes' texts leave as a JSON array. Attacker: whoever made the picture. What
decodes it is large and written in C, so that happens here, where nothing else is: no socket, no vault, no key. Only PNG
and JPEG are tried; the header's pixels are counted before anything is decoded; memory, time and files are bounded by
the kernel.
"""

from __future__ import annotations

import io
import json
import resource
import sys

MAX_PICTURE_BYTES = 32 * 1024 * 1024
MAX_PIXELS = 64_000_000
MAX_MEMORY_BYTES = 1024 * 1024 * 1024
MAX_SECONDS = 10
MAX_CODES = 16
MAX_TEXT_CHARACTERS = 4096
EDGE_PIXELS = 4000  # larger ones are made smaller before codes are looked for
FORMATS = ("PNG", "JPEG")
MAGICS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")

UNREADABLE = 3
TOO_LARGE = 4
NO_READER = 5


def main() -> int:
    """Print the texts; return 0, or which of the codes above says why not."""
    _bound()
    data = sys.stdin.buffer.read(MAX_PICTURE_BYTES + 1)
    if len(data) > MAX_PICTURE_BYTES:
        return TOO_LARGE
    try:
        import zxingcpp  # noqa: PLC0415  an extra: peerpost[scan]
        from PIL import Image  # noqa: PLC0415
    except ImportError:
        return NO_READER
    Image.MAX_IMAGE_PIXELS = (
        None  # our own bound stands below, and is an answer instead of a warning
    )
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                return TOO_LARGE
            opened.draft("L", (EDGE_PIXELS, EDGE_PIXELS))
            grey = opened.convert("L")
        grey.thumbnail((EDGE_PIXELS, EDGE_PIXELS))
        qr = zxingcpp.barcode_formats_from_str("QRCode")
        found = zxingcpp.read_barcodes(grey, formats=qr)
    except Exception:  # noqa: BLE001  a decoder may raise anything
        return UNREADABLE
    texts = [code.text[:MAX_TEXT_CHARACTERS] for code in found[:MAX_CODES]]
    sys.stdout.write(json.dumps(texts))
    return 0


def _bound() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_CPU, MAX_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    sys.exit(main())
