"""Previews: a small picture of an image that is sent, made by Pillow where that is installed (decision 0013).

Who attacks: whoever gives us an image to send that is small as a file and huge as a picture, or that has a decoder
busy for ever. So: only PNG and JPEG, only files of few bytes, the number of pixels is read from the header and bounded
before anything is decoded, so are a JPEG's scans, of which a few bytes each go over the whole picture, and decoders of
other formats are never tried. A preview that cannot be made is none.

A received preview is never decoded here: it is handed on as bytes.
"""

import io
import logging
from typing import Any, Final

MAX_SOURCE_BYTES: Final = 16 * 1024 * 1024
MAX_PIXELS: Final = 24_000_000
"""Of the whole image: some 100 MB decoded, at one image at a time."""
MAX_SCANS: Final = 64
"""Of a JPEG; encoders make some ten of a progressive one."""
EDGE_PIXELS: Final = 160
MAX_BYTES: Final = 8 * 1024
_FORMATS: Final = ("PNG", "JPEG")
_JPEG: Final = b"\xff\xd8\xff"
_HEADS: Final = (b"\x89PNG\r\n\x1a\n", _JPEG)
_SCAN: Final = b"\xff\xda"  # begins a scan; inside one, 0xff is followed by other bytes
_QUALITIES: Final = (75, 50, 30, 10)
_log = logging.getLogger(__name__)


def possible(head: bytes) -> bool:
    """Tell whether the first bytes may be those of an image that gets a preview."""
    return available() and any(magic.startswith(head[: len(magic)]) for magic in _HEADS)


def available() -> bool:
    """Tell whether previews can be made at all."""
    return _pillow() is not None


def of(image: bytes) -> bytes | None:
    """Return a small JPEG of the image, None when there can be none."""
    pillow = _pillow()
    if pillow is None or not image.startswith(_HEADS):
        return None
    if image.startswith(_JPEG) and image.count(_SCAN) > MAX_SCANS:
        return None
    try:
        return _made(pillow, image)
    except Exception as error:  # noqa: BLE001  a decoder may raise anything; the file is sent all the same
        _log.info("no preview: %s", type(error).__name__)
        return None


def _made(pillow: Any, image: bytes) -> bytes | None:  # noqa: ANN401  an optional library
    with pillow.open(io.BytesIO(image), formats=_FORMATS) as opened:
        width, height = opened.size
        if width * height > MAX_PIXELS:
            return None
        opened.draft(
            "RGB", (EDGE_PIXELS, EDGE_PIXELS)
        )  # a JPEG is decoded at a fraction of its size
        small = opened.convert("RGB")
    small.thumbnail((EDGE_PIXELS, EDGE_PIXELS))
    for quality in _QUALITIES:
        out = io.BytesIO()
        small.save(out, "JPEG", quality=quality)
        if out.tell() <= MAX_BYTES:
            return out.getvalue()
    return None


def _pillow() -> Any:  # noqa: ANN401  an optional library
    try:
        from PIL import Image  # noqa: PLC0415  an extra: peerpost[previews]
    except ImportError:
        return None
    return Image
