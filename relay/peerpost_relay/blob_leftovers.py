"""What is left over of blobs when a relay was killed or put back: files without a row, and rows without a file."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from msgspec import Struct

from peerpost_relay.blob_folder import BlobFolder
from peerpost_relay.store import Snapshot, Store

LISTED_TOGETHER = 1_000

InThread = Callable[..., Awaitable[Any]]


class Leftovers(Struct, frozen=True):
    """Name the files that no row names, and number the rows of blobs whose file is gone."""

    files: frozenset[str]
    rows: list[int]


async def leftovers(store: Store, folder: BlobFolder, in_thread: InThread) -> Leftovers:
    """Compare the store with the folder; nothing may be uploaded meanwhile."""
    known: set[str] = set()
    lost: list[int] = []
    after = ""
    while page := await store.read(partial(_names, after=after)):
        known.update(name for name, _, _ in page)
        there = await in_thread(_there, folder, page)
        lost += [n for (_, n, durable), held in zip(page, there, strict=True) if durable > held]
        after = page[-1][0]
    found = await in_thread(lambda: list(folder.names()))
    return Leftovers(frozenset(found) - known, lost)


def _names(snapshot: Snapshot, *, after: str) -> list[tuple[str, int, bool]]:
    return snapshot.blob_names(after, LISTED_TOGETHER)


def _there(folder: BlobFolder, page: list[tuple[str, int, bool]]) -> list[bool]:
    return [folder.holds(name) for name, _, _ in page]
