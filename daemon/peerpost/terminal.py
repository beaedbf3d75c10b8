"""What people see: results as text or as JSON, and nothing that steers their terminal.

Texts and names come from other people. An escape sequence in them could rewrite what stands
above, a carriage return or a text direction mark could disguise a sender, a newline could forge a
whole line. So controls are shown as escapes, here in one place, whether or not the output is a
terminal: what a pipe holds may be shown by one later. `--json` carries the exact text.
"""

from __future__ import annotations

import json
import sys

from peerpost.errors import PeerpostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_C0 = [code for code in range(0x20) if chr(code) not in "\n\t"]
_C1 = range(0x7F, 0xA0)
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SEPARATORS = (0x2028, 0x2029)
_FILLERS = (0x00AD, 0x180E, 0x200B, *range(0x2060, 0x2065), *range(0x206A, 0x2070), 0xFEFF)
_INVISIBLE = (*_FILLERS, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080))  # the last: hidden text
_ESCAPES = {
    code: f"\\x{code:02x}"
    if code < 0x100
    else f"\\u{code:04x}"
    if code < 0x10000
    else f"\\U{code:08x}"
    for code in (*_C0, *_C1, *_DIRECTIONS, *_SEPARATORS, *_INVISIBLE)
}
_LABEL_ESCAPES = _ESCAPES | {ord("\n"): "\\n", ord("\t"): "\\t"}
_INDENT = "\n    "  # a line of a text never looks like the start of a message


def printable(text: str) -> str:
    """Return a text with its controls escaped; tabs stay, further lines are indented."""
    shown = text if text.isprintable() else text.translate(_ESCAPES).replace("\n", _INDENT)
    return shown.encode("utf-8", "backslashreplace").decode()  # lone surrogates


def label(text: object) -> str:
    """Return a name, an identity or a sentence on one line, with its controls escaped."""
    return printable(str(text).translate(_LABEL_ESCAPES))


class Screen:
    """Print results: one JSON object a line, or lines for people."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def show(self, result: object, *lines: str) -> None:
        """Print a result; `lines` are its form for people, already escaped."""
        if self.as_json:
            write(json.dumps(result))  # ASCII only, hence nothing that steers a terminal
        else:
            for line in lines:
                write(line)


def write(line: str) -> None:
    """Print and flush a line, in escapes where the output cannot show a character."""
    try:
        _write(line, sys.stdout)
    except BrokenPipeError:
        raise
    except OSError as error:
        sentence = f"The output cannot be written: {error.strerror or error}."
        raise PeerpostError("output_failed", sentence) from None


def complain(sentence: object) -> None:
    """Print one sentence on standard error."""
    _write(f"peerpost: {label(sentence)}", sys.stderr)


def report(error: PeerpostError, exit_code: int, *, as_json: bool) -> None:
    """Print why a command failed on standard error: a sentence, or one JSON object on a line."""
    if not as_json:
        complain(error)
        return
    said = {"kind": error.kind, "message": error.message, "exit_code": exit_code}
    _write(json.dumps(said | {"data": error.data}), sys.stderr)


def _write(line: str, stream: TextIO) -> None:
    try:
        print(line, file=stream, flush=True)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
