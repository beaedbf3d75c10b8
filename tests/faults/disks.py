"""Small disks for faults: a full one (tmpfs), and one whose power is cut (ext4 on a loop device).

A power cut is modelled like this. The file system lies in a file behind a loop device, so what the
kernel has not written back exists only in its page cache, above that file. The writer is stopped
(SIGSTOP) and the file is copied as it is, without a sync or a freeze: the copy holds what reached
the disk, nothing else. Mounting the copy replays ext4's journal, as after a real cut. What this
does not model is a disk that lies about flushes: such a disk breaks every database.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NO_MOUNT = "mounting a file system of its own needs root and, for power cuts, loop devices"


class CannotMountError(Exception):
    """Say that this machine does not let us mount."""


def _mount(*arguments: str | Path) -> None:
    if os.geteuid() != 0:
        raise CannotMountError(NO_MOUNT)
    done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise CannotMountError(f"{NO_MOUNT}: {done.stderr.strip()}")


@contextmanager
def mounted(*arguments: str | Path, at: Path) -> Iterator[Path]:
    """Mount at a new folder; unmount at the end, also when a process still sits there."""
    at.mkdir(mode=0o700)
    _mount(*arguments, at)
    try:
        at.chmod(0o700)
        yield at
    finally:
        if subprocess.run(["umount", at], check=False, capture_output=True).returncode:
            subprocess.run(["umount", "--lazy", at], check=True)


@contextmanager
def small_disk(at: Path, megabytes: int) -> Iterator[Path]:
    """Mount a tmpfs of so many megabytes."""
    with mounted("-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", at=at) as disk:
        yield disk


def fill(disk: Path) -> Path:
    """Take all the space that is left; return the file that holds it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return ballast
    raise AssertionError("the disk has no end")


class PoweredDisk:
    """Be an ext4 file system in a file, whose power can be cut as often as one likes."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        if not shutil.which("mkfs.ext4"):
            raise CannotMountError("mkfs.ext4 is not installed")
        self._folder = folder
        self._image = folder / "disk.img"
        self._cuts = 0
        with self._image.open("wb") as image:
            image.truncate(megabytes * 2**20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self._image], check=True, capture_output=True)

    @contextmanager
    def on(self) -> Iterator[Path]:
        """Mount it."""
        with mounted("-o", "loop", self._image, at=self._folder / "disk") as disk:
            yield disk

    @contextmanager
    def after_a_cut(self) -> Iterator[Path]:
        """Mount what a power cut at this moment would leave; whoever writes must be stopped."""
        self._cuts += 1
        left = self._folder / f"left-{self._cuts}.img"
        subprocess.run(["cp", "--sparse=always", self._image, left], check=True)
        with mounted("-o", "loop", left, at=self._folder / f"left-{self._cuts}") as disk:
            yield disk
        left.unlink()
