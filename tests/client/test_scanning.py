"""What a scanner saw: a code's text in a file, or a picture of the code, which `peerpost verify` hands on."""

import io
from pathlib import Path

import pytest
from PIL import Image

from peerpost import scanning
from peerpost.errors import UsageError
from peerpost_daemon import qr
from peerpost_daemon.safety_number import PREFIX
from tests.client.conftest import Run
from tests.client.recorder import Recorder

TEXT = PREFIX + "12345" * 12
BOB = "bob@example.org"


def picture(text: str, kind: str = "PNG", *, turned: float = 0.0) -> bytes:
    """Return a photograph of a code: grey, with something around it, not quite straight."""
    code = Image.open(io.BytesIO(qr.png(text))).convert("L")
    around = Image.new("L", (900, 700), 200)
    around.paste(code, (300, 150))
    out = io.BytesIO()
    around.rotate(turned, fillcolor=200).save(out, kind)
    return out.getvalue()


def file(folder: Path, data: bytes) -> str:
    path = folder / "scan"
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_code_is_read_from_a_picture(tmp_path: Path, kind: str) -> None:
    assert scanning.scanned(file(tmp_path, picture(TEXT, kind, turned=7))) == TEXT


def test_a_text_is_taken_as_it_is(tmp_path: Path) -> None:
    assert scanning.scanned(file(tmp_path, f"{TEXT}\n".encode())) == TEXT


def test_verify_hands_on_what_the_picture_says(
    run: Run, recorder: Recorder, tmp_path: Path
) -> None:
    assert run("verify", BOB, "--scan", file(tmp_path, picture(TEXT))) == 0
    assert recorder.params("contact.verify") == {"identity": BOB, "safety_number": TEXT}


@pytest.mark.parametrize("text", ["https://example.org", f"x{TEXT}"])
def test_a_picture_without_a_code_of_ours_is_a_mistake(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="no code of peerpost"):
        scanning.scanned(file(tmp_path, picture(text)))


def test_without_the_extra_a_picture_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zxingcpp.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"peerpost\[scan\]"):
        scanning.scanned(file(tmp_path, picture(TEXT)))
