"""Names of files that other people chose, made fit to be a name in a folder of ours.

Who attacks: a sender who wants something written elsewhere (`../`), hidden (a leading dot), taken for something else on
a terminal (controls, bidirectional marks), or refused late by the file system (too long, empty, reserved).
"""

import unicodedata
from typing import Final

MAX_NAME_BYTES: Final = 200
"""Well below the 255 of Linux, so that there is room for ` (2)` and the like."""
NAMELESS: Final = "file"
_SEPARATORS: Final = str.maketrans(dict.fromkeys("/\\:", "_"))
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe_name(name: str) -> str:
    """Return the name with nothing in it that means anything but a name."""
    last = name.translate(_SEPARATORS)
    plain = "".join(c for c in last if unicodedata.category(c) not in _HIDDEN)
    plain = plain.strip().lstrip(".-").strip()  # neither hidden nor an option
    return _shortened(plain) or NAMELESS


def _shortened(name: str) -> str:
    """Cut the middle out of a name that is too long; its extension stays."""
    data = name.encode()
    if len(data) <= MAX_NAME_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    tail = (dot + extension).encode()
    if not stem or len(tail) > MAX_NAME_BYTES // 4:
        stem, tail = name, b""
    head = stem.encode()[: MAX_NAME_BYTES - len(tail)]
    return head.decode(errors="ignore") + tail.decode()
