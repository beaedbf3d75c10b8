"""One round of the pump inside the vault: seal what has been chosen, store it, all in one transaction.

It runs in the vault's writing thread, so a round costs one switch of threads and one fsync. What a round may seal is
bounded (`ready.MAX_WRAPS`), because other writes wait for it.
"""

from msgspec import Struct, structs

from peerpost_daemon.delivering import give_up
from peerpost_daemon.outbound.ready import Ready
from peerpost_daemon.outbound.sealing import Batch, Sender, seal_rows, with_bytes
from peerpost_daemon.records import channels, files, outbox, outbox_seals
from peerpost_daemon.records.outbox import Waiting
from peerpost_daemon.records.outgoing import OutboxState
from peerpost_daemon.vault.connection import SqlConnection


class Round(Struct, frozen=True):
    """Be what a round gave: rows whose bytes are durable, in their order, and what is left to do.

    `exhausted`: no more rows wait. `unsettled`: messages or channels wait for a beginning.
    """

    rows: tuple[Waiting, ...]
    failed: bool
    looked_up_to: int
    exhausted: bool
    unsettled: bool
    due_ms: int | None  # when the next message is due that waits for its time


def do_round(db: SqlConnection, ready: Ready, sender: Sender, now_ms: int) -> Round:
    """Seal the queued ones of the chosen rows and store what that gave."""
    queued = [row for row in ready.rows if row.outgoing.state is OutboxState.QUEUED]
    batch = seal_rows(_with_files(db, queued), ready.destinations, sender, now_ms)
    _store(db, batch, now_ms)
    fresh = {row.outgoing.number: with_bytes(row, sealed) for row, sealed in batch.sealed}
    rows = [fresh.get(row.outgoing.number, row) for row in ready.rows]
    return Round(
        tuple(row for row in rows if row.envelope is not None),
        bool(batch.failed),
        ready.looked_up_to,
        ready.exhausted,
        bool(outbox.undirected(db, 1, now_ms) or channels.pending_events(db)),
        outbox.next_due(db, now_ms),
    )


def _with_files(db: SqlConnection, rows: list[Waiting]) -> list[Waiting]:
    """Return the rows with what their messages say of files."""
    found = files.of_outbox(db, [row.outgoing.number for row in rows])
    return [structs.replace(row, files=found.get(row.outgoing.number, ())) for row in rows]


def _store(db: SqlConnection, batch: Batch, now_ms: int) -> None:
    outbox_seals.seal(db, [sealed for _, sealed in batch.sealed])
    for channel, link in batch.links.items():
        channels.set_own(db, channel, link)
    for failed in batch.failed:
        give_up(db, [(failed.number, failed.message)], failed.reason, now_ms)
