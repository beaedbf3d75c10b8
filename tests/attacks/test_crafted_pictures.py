"""Somebody hands over a picture for `peerpost verify --scan` that is made to harm whoever decodes it.

Small as a file and huge as a picture, larger than any file should be, endless, cut off, of a format with a decoder of
its own, two codes in one. It is decoded by a process that holds nothing, within bounds of the kernel; nothing is taken
from it but one code, and a sentence says why not.
"""

import io
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from peerpost import picture, scanning
from peerpost.errors import UsageError
from peerpost_daemon import qr
from tests.attacks.test_image_bombs import png
from tests.client.test_scanning import TEXT, file
from tests.client.test_scanning import picture as photograph


def two_codes() -> bytes:
    """Return a picture with the code of somebody else beside the right one."""
    both = Image.new("L", (1200, 600), 255)
    for left, text in ((50, TEXT), (650, TEXT[:-1] + "0")):
        both.paste(Image.open(io.BytesIO(qr.png(text))).convert("L"), (left, 50))
    out = io.BytesIO()
    both.save(out, "PNG")
    return out.getvalue()


def as_png(kind: str) -> bytes:
    """Return a picture of another format that claims to be a PNG."""
    out = io.BytesIO()
    Image.new("L", (64, 64)).save(out, kind)
    return picture.MAGICS[0] + out.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (png(60_000, 60_000), "pixels"),
        (png(8_000, 8_000)[:-40], "no picture"),
        (photograph(TEXT)[:2000], "no picture"),
        (picture.MAGICS[0] + os.urandom(5000), "no picture"),
        (picture.MAGICS[1] + os.urandom(5000), "no picture"),
        (picture.MAGICS[0] + bytes(picture.MAX_PICTURE_BYTES), "bytes"),
        (as_png("TIFF"), "no picture"),
        (two_codes(), "2 codes"),
    ],
    ids=["bomb", "cut bomb", "cut off", "noise", "noise as jpeg", "too long", "another", "two"],
)
def test_nothing_is_taken_from_it(tmp_path: Path, data: bytes, why: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UsageError, match=why):
        scanning.scanned(file(tmp_path, data))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 3 * picture.MAX_PICTURE_BYTES


def test_a_file_without_an_end_is_a_text_that_is_cut(tmp_path: Path) -> None:
    assert len(scanning.scanned("/dev/zero")) <= scanning.MAX_TEXT_BYTES
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert scanning.scanned(str(pipe)) == ""


def test_what_decodes_cannot_take_more_than_its_bounds(tmp_path: Path) -> None:
    asks = (
        "import peerpost.picture as p; p._bound(); import os\n"
        "try: bytearray(2 * p.MAX_MEMORY_BYTES); print('memory')\n"
        "except MemoryError: pass\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try: os.write(os.open('x', os.O_WRONLY | os.O_CREAT), b'x'); print('file')\n"
        "except OSError: pass\n"
        "import resource; print(resource.getrlimit(resource.RLIMIT_CPU))"
    )
    done = subprocess.run(
        [sys.executable, "-c", asks], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == str((picture.MAX_SECONDS, picture.MAX_SECONDS))
