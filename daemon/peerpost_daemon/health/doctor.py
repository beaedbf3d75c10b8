"""The doctor: look at everything once, thoroughly, and say of each thing whether it is well and what to do.

What `daemon.health` can see without effort is among it (`findings`); the rest costs time: the vault is read from its
first page to its last, and the relay is called up when the link is down.
"""

import platform
import sqlite3
from contextlib import suppress
from typing import Final

from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.health.facts import Facts, Link
from peerpost_daemon.health.findings import LOW_BYTES, SKEW_MS
from peerpost_daemon.health.knocking import Knock, knock, tls
from peerpost_daemon.health.places import places
from peerpost_daemon.link.status import LinkState
from peerpost_daemon.records import account as accounts
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.integrity import Integrity, damage
from peerpost_daemon.version import VERSION
from peerpost_protocol.check import Check, failed, passed, room, skipped

LEAST_SKEW_MS: Final = 100.0  # what is less may be the way, and not the clock


async def examine(daemon: Daemon, facts: Facts, schema: int | None) -> list[Check]:
    """Return all checks."""
    url = facts.link.url if facts.state == "ready" else None
    knocked = await knock(url, daemon.settings.ca_file) if url else None
    return [
        *places(daemon.settings),
        await _vault(daemon),
        _disk(facts),
        _relay(facts, knocked),
        tls(url, knocked, daemon.clock()),
        await _relay_key(daemon),
        _clock(facts.link),
        await _versions(daemon, schema),
    ]


async def _vault(daemon: Daemon) -> Check:
    try:
        found = await daemon.read(damage)
    except DaemonError as error:
        if error.kind in ("locked", "no_vault"):
            return skipped("vault_integrity", error.message)
        found = error.message
    daemon.integrity = Integrity(daemon.clock(), "full", found)
    if found is None:
        return passed("vault_integrity", "every page and every tree is whole")
    return failed(
        "vault_integrity",
        found,
        "Stop the daemon, copy the data directory away, restore a backup; look after the disk.",
    )


def _disk(facts: Facts) -> Check:
    storage = facts.storage
    if storage.free_bytes is None:
        return skipped("disk_space", "there is no data directory yet")
    if storage.read_only:
        return failed("disk_space", "the disk is read-only", "Mount it for writing.")
    detail = f"{storage.free_bytes // 1_048_576} MiB free, the vault takes {storage.vault_bytes} B"
    return room("disk_space", storage.free_bytes, LOW_BYTES, detail)


def _relay(facts: Facts, knocked: Knock | None) -> Check:
    link = facts.link
    if facts.state != "ready":
        return skipped("relay", "without an open vault nothing is asked of a relay")
    if link.url is None:
        return skipped("relay", "no relay is known yet")
    if facts.account is None:
        return skipped("relay", f"no account is registered with {link.url}")
    if link.state is LinkState.ONLINE:
        trip = "" if link.round_trip_ms is None else f", round trip {link.round_trip_ms:.1f} ms"
        return passed("relay", f"{link.url} is online{trip}")
    why = link.last_error or f"the link is {link.state.value}"
    silent = knocked.silent if knocked else None
    fix = "Check the network, the address, the relay." if silent else "Ask its operator."
    return failed("relay", f"{link.url}: {why}; {silent or 'its port answers'}", fix)


async def _relay_key(daemon: Daemon) -> Check:
    engine = daemon.running
    fault = engine.link_status.last_error if engine else None
    if fault is not None and fault.kind == "relay_key_changed":
        return failed(
            "relay_key",
            "the relay shows another key than before",
            "Ask its operator why; nothing was shown to it.",
        )
    try:
        account = await daemon.read(accounts.find)
    except DaemonError as error:
        return skipped("relay_key", error.message)
    if account is None or account.relay_key is None:
        return skipped("relay_key", "no relay has let an account of this vault in yet")
    return passed("relay_key", account.relay_key.hex())


def _clock(link: Link) -> Check:
    skew = link.clock_skew_ms
    if skew is None:
        return skipped("clock", "only a relay that was reached tells")
    seconds = f"{skew / 1000:+.1f}" if abs(skew) >= LEAST_SKEW_MS else "less than 0.1"
    detail = f"{seconds} s from here to the relay's clock"
    if abs(skew) >= SKEW_MS:
        return failed("clock", detail, "Set the clock.", severity="warning")
    return passed("clock", detail)


async def _versions(daemon: Daemon, schema: int | None) -> Check:
    cipher = "?"
    with suppress(DaemonError):
        cipher = await daemon.read(_cipher_version)
    return passed(
        "versions",
        f"peerpostd {VERSION}, schema {schema or '?'}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, SQLCipher {cipher}",
    )


def _cipher_version(connection: SqlConnection) -> str:
    (version,) = connection.execute("PRAGMA cipher_version").fetchone()
    return str(version)
