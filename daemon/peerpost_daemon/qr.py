"""QR codes: a text as squares for a terminal, and as a PNG for everything else."""

import io

import segno

BORDER = 2
SCALE = 8  # pixels a square


def squares(text: str) -> list[str]:
    """Return the code's rows, `1` for a dark square, with its quiet border."""
    code = segno.make(text, micro=False, error="m")
    return [
        "".join("1" if dark else "0" for dark in row) for row in code.matrix_iter(border=BORDER)
    ]


def png(text: str) -> bytes:
    """Return the code as a PNG."""
    out = io.BytesIO()
    segno.make(text, micro=False, error="m").save(out, kind="png", scale=SCALE, border=BORDER)
    return out.getvalue()
