"""What must hold before a process opens its store: a clock that is not far off, and some room on the disk.

Pure: whoever starts has looked at the clock, the store's files and the disk.
"""

from msgspec import Struct

from peerpost_protocol.clock import far_off

LEAST_FREE_BYTES = 1_048_576  # a store that is opened writes before it is asked to


class Found(Struct, frozen=True):
    """Be what was found at the start: times in ms since the epoch; None is for what is not there."""

    place: str
    now_ms: int
    written_ms: int | None
    free_bytes: int | None


def room_fault(found: Found) -> str | None:
    """Return a sentence when the disk is too full to start."""
    if found.free_bytes is None or found.free_bytes >= LEAST_FREE_BYTES:
        return None
    return (
        f"the disk of {found.place} has {found.free_bytes // 1024} KiB left: free some space "
        "before it is started"
    )


def clock_fault(found: Found) -> str | None:
    """Return a sentence when the clock is far off."""
    wrong = far_off(found.now_ms, found.written_ms)
    return (
        f"{wrong}: set the clock, or where it is right add --set check_clock=false once"
        if wrong
        else None
    )
