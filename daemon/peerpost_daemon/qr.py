"""QR codes: a text as squares for a terminal, and as a PNG for everything else."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import segno

BORDER = 2
SCALE = 8  # pixels a square


def squares(text: str) -> list[str]:
    """Return the code's rows, `1` for a dark square, with its quiet border."""
    rows = _code(text).matrix_iter(border=BORDER)
    return ["".join("1" if dark else "0" for dark in row) for row in rows]


def png(text: str) -> bytes:
    """Return the code as a PNG."""
    out = io.BytesIO()
    _code(text).save(out, kind="png", scale=SCALE, border=BORDER)
    return out.getvalue()


def _code(text: str) -> "segno.QRCode":
    import segno  # noqa: PLC0415 - few ask

    return segno.make(text, micro=False, error="m")
