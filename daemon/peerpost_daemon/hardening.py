"""What keeps other processes of the same user from reading this one's secrets by accident."""

import ctypes
import logging
import os
import resource
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h
log = logging.getLogger(__name__)


def harden() -> None:
    """Make new files private, and keep keys out of core dumps and out of debuggers' reach."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        failed = ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        failed = -1
    if failed:
        log.info("this system lets debuggers look into the process")
