"""An image that is small as a file and huge as a picture is given to be sent: no preview, but the file goes.

Also: a JPEG whose scans, a few bytes each, go over the whole picture without end; images cut off, images of other
formats, images that lie about their kind.
"""

import io
import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest

from peerpost_daemon.files import preview
from peerpost_daemon.files.drafts import Draft
from peerpost_daemon.files.folder import FileFolder

pillow = pytest.importorskip("PIL.Image")


def png(width: int, height: int) -> bytes:
    """Return a PNG of so many pixels, however many."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(min(width * 3 + 1, 1000)) * min(height, 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def picture(kind: str) -> bytes:
    out = io.BytesIO()
    pillow.frombytes("RGB", (640, 480), os.urandom(640 * 480 * 3)).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_has_a_small_preview(kind: str) -> None:
    small = preview.of(picture(kind))
    assert small is not None
    assert len(small) <= preview.MAX_BYTES
    assert max(pillow.open(io.BytesIO(small)).size) <= preview.EDGE_PIXELS


def test_a_bomb_is_not_decoded() -> None:
    bomb = png(60_000, 60_000)
    tracemalloc.start()
    try:
        assert preview.of(bomb) is None
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


def progressive(scans: int) -> bytes:
    """Return a JPEG whose last scan comes so many times more."""
    out = io.BytesIO()
    pillow.new("RGB", (640, 480), (9, 99, 199)).save(out, "JPEG", progressive=True)
    whole = out.getvalue()
    last = whole[whole.rfind(b"\xff\xda") : -2]
    return whole[:-2] + last * scans + whole[-2:]


def test_scans_without_end_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert preview.of(progressive(10)) is not None
    decoded: list[bytes] = []
    monkeypatch.setattr(preview, "_made", lambda _, image: decoded.append(image))
    assert preview.of(progressive(10_000)) is None
    assert not decoded


@pytest.mark.parametrize(
    "image",
    [b"", b"\x89PNG\r\n\x1a\n", picture("PNG")[:2000], picture("GIF"), b"\xff\xd8\xff" * 99],
)
def test_what_is_no_whole_image_of_ours_has_none(image: bytes) -> None:
    assert preview.of(image) is None


def test_the_file_is_sent_all_the_same(tmp_path: Path) -> None:
    draft = Draft(FileFolder(tmp_path), "a.png", None, max_bytes=2**30, random_bytes=os.urandom)
    draft.write(png(60_000, 60_000))
    finished = draft.finish()
    assert (finished.file.preview, finished.file.media_type) == (None, "image/png")
