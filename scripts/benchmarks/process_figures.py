"""What the kernel tells about a running process."""

import os
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
MEBIBYTE = 1024  # in the kernel's unit, kB


def processor_seconds(pid: int) -> float:
    """Return the processor time of all its threads, user and system, in seconds."""
    # The name, in brackets, may hold spaces; what follows it are fields 3 and up of proc(5).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def resident_mib(pid: int) -> tuple[float, float]:
    """Return the memory that it occupies now, and the most that it ever occupied, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    now, peak = (int(fields[name].split()[0]) / MEBIBYTE for name in ("VmRSS", "VmHWM"))
    return now, peak
