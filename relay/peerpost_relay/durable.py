"""Bytes and names that outlive a power cut."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Return once a file's bytes, or the names in a folder, are durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
