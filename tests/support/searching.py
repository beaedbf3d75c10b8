"""Look for secrets where they must not be: in files, in the memory of a process, on a wire."""

import base64
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_WRITABLE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw")
SHORTEST = 8  # bytes; what is shorter may stand anywhere by chance


def forms(secret: bytes) -> Iterator[bytes]:
    """Yield a secret as it is, in hexadecimal, and in base64 wherever it may begin."""
    assert len(secret) >= SHORTEST
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + secret).rstrip(b"=")
        inner = whole[(offset * 8 + 5) // 6 : -1]  # letters that depend on the secret alone
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def found_in(data: bytes, secrets: Mapping[str, bytes]) -> set[str]:
    """Return the names of the secrets that stand in the data in any form."""
    return {name for name, secret in secrets.items() if any(form in data for form in forms(secret))}


def files_below(*places: Path) -> bytes:
    """Return the contents of files, and of all files in folders, write-ahead logs included."""
    paths = [path for place in places for path in (place, *place.rglob("*"))]
    return b"\n".join(path.read_bytes() for path in paths if path.is_file())


def memory_of(pid: int) -> bytes:
    """Return what a process can write to: heap, stacks and all that was ever allocated.

    Raises PermissionError where only root may look.
    """
    maps = Path(f"/proc/{pid}/maps").read_text()
    found = []
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        for begin, end in _WRITABLE.findall(maps):
            found.append(_region(memory, int(begin, 16), int(end, 16)))
    finally:
        os.close(memory)
    return b"\n".join(found)


def _region(memory: int, begin: int, end: int) -> bytes:
    try:
        return os.pread(memory, end - begin, begin)
    except OSError:  # the kernel's own pages
        return b""
