"""Gather the facts of a daemon in whatever state it is; nothing here fails because something else does."""

import os
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.health.facts import AlarmFact, Backlog, Facts, Lag, Link, Storage
from peerpost_daemon.link.status import LinkState
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import alarms, consumers, tallies
from peerpost_daemon.records.account import Account
from peerpost_daemon.settings import DaemonSettings
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.migrations import version_of

ALARM_MS = 7 * 86_400_000  # how long an alarm is shown after it was last sounded


class Stored(Struct, frozen=True):
    """Be what an open vault knows."""

    account: Account | None
    backlog: tallies.Backlog
    consumers: tuple[Lag, ...]
    alarms: tuple[AlarmFact, ...]
    history_bytes: int
    schema: int


async def gather(daemon: Daemon) -> tuple[Facts, int | None]:
    """Return the facts, and the version of the vault's schema if it is open."""
    await _probe(daemon)
    stored = await _stored(daemon)
    account = stored.account if stored else None
    facts = Facts(
        state=daemon.state.value,
        account=account.state if account else None,
        link=_link(daemon, account),
        outbox=_backlog(stored.backlog, daemon) if stored else None,
        consumers=stored.consumers if stored else (),
        storage=_storage(daemon, stored.history_bytes if stored else None),
        faults=daemon.faults,
        alarms=stored.alarms if stored else (),
    )
    return facts, stored.schema if stored else None


async def _probe(daemon: Daemon) -> None:
    """Write something when the newest write has failed: it may work again, and nobody else tries."""
    with suppress(DaemonError):
        if daemon.database.trouble is not None:
            await daemon.write(tallies.touch)
            await daemon.read(tallies.queued)


async def _stored(daemon: Daemon) -> Stored | None:
    now_ms = daemon.clock()
    try:
        return await daemon.read(lambda db: _look(db, now_ms))
    except DaemonError:  # closed, or unreadable: then `trouble` says so
        return None


def _look(db: SqlConnection, now_ms: int) -> Stored:
    return Stored(
        accounts.find(db),
        tallies.backlog(db),
        _lagging(db, now_ms),
        tuple(
            AlarmFact(alarm.change, alarm.at_ms, alarm.count, alarm.detail)
            for alarm in alarms.everything(db)
            if alarm.at_ms > now_ms - ALARM_MS
        ),
        tallies.history(db).bytes,
        version_of(db),
    )


def _lagging(db: SqlConnection, now_ms: int) -> tuple[Lag, ...]:
    return tuple(
        Lag(lag.consumer, lag.reason, lag.behind, _age(lag.oldest_at_ms, now_ms))
        for lag in consumers.lagging(db, now_ms)
    )


def _link(daemon: Daemon, account: Account | None) -> Link:
    url = (account and account.relay) or daemon.settings.relay
    if daemon.running is None:
        return Link(url, LinkState.OFF, daemon.started_at_ms)
    status = daemon.running.link_status
    return Link(
        status.url or url,
        status.state,
        status.since_ms,
        status.down_ms,
        status.last_error.detail if status.last_error else None,
        status.round_trip_ms,
        status.heard_ago_ms,
        status.clock_skew_ms,
    )


def _backlog(backlog: tallies.Backlog, daemon: Daemon) -> Backlog:
    now_ms, bounds = daemon.clock(), daemon.settings
    return Backlog(
        backlog.queued.count,
        backlog.queued.bytes,
        bounds.max_queued,
        bounds.max_queued_bytes,
        _age(backlog.oldest_queued_ms, now_ms),
        backlog.sent.count,
        _age(backlog.oldest_sent_ms, now_ms),
    )


def _age(at_ms: int | None, now_ms: int) -> int | None:
    return None if at_ms is None else max(0, now_ms - at_ms)


def _storage(daemon: Daemon, history_bytes: int | None) -> Storage:
    place, check = daemon.settings.data, daemon.integrity
    free_bytes, read_only = disk(place)
    trouble, frames = None, 0
    with suppress(DaemonError):
        trouble, frames = daemon.database.trouble, daemon.database.log_frames
    trouble = trouble or daemon.unopened
    return Storage(
        free_bytes,
        vault_bytes(daemon.settings),
        frames,
        read_only,
        trouble.kind if trouble else None,
        trouble.message if trouble else None,
        check.at_ms if check else None,
        check.how if check else None,
        check.damage if check else None,
        history_bytes,
        daemon.settings.max_history_bytes,
    )


def disk(place: Path) -> tuple[int | None, bool]:
    """Return the bytes left on the disk for this user, and whether it or the directory is read-only."""
    try:
        found = os.statvfs(place)
    except OSError:  # not there yet
        return None, False
    read_only = bool(found.f_flag & os.ST_RDONLY) or not os.access(place, os.W_OK | os.X_OK)
    return found.f_bavail * found.f_frsize, read_only


def vault_bytes(settings: DaemonSettings) -> int:
    """Return how much the vault takes, its log included."""
    size = 0
    for name in (settings.vault, settings.vault.with_name(f"{settings.vault.name}-wal")):
        with suppress(OSError):
            size += name.stat().st_size
    return size
