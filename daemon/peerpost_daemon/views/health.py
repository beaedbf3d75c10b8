"""How well the daemon is."""

from typing import Literal

from msgspec import Struct

from peerpost_daemon.health.facts import AlarmFact, Backlog, Facts, Lag, Link, Storage
from peerpost_daemon.health.findings import Finding, findings
from peerpost_protocol.check import Check


class Health(Struct, frozen=True):
    """Show the facts and what follows from them; null is what only an open vault knows."""

    well: bool
    state: Literal["no_vault", "locked", "ready"]
    version: str
    schema: int | None
    at_ms: int
    account: str | None
    link: Link
    outbox: Backlog | None
    consumers: tuple[Lag, ...]
    storage: Storage
    faults: int
    alarms: tuple[AlarmFact, ...]
    findings: list[Finding]


class Diagnosis(Struct, frozen=True):
    """Show every check of the doctor, and the findings of `daemon.health`."""

    well: bool
    checks: list[Check]
    findings: list[Finding]


def diagnosis(checks: list[Check], facts: Facts) -> Diagnosis:
    """Return what the doctor says."""
    found = findings(facts)
    sick = any(check.result in ("warning", "error") for check in checks)
    return Diagnosis(not found and not sick, checks, found)


def health(facts: Facts, version: str, schema: int | None, at_ms: int) -> Health:
    """Return the facts with their findings."""
    found = findings(facts)
    return Health(
        not found,
        facts.state,
        version,
        schema,
        at_ms,
        facts.account,
        facts.link,
        facts.outbox,
        facts.consumers,
        facts.storage,
        facts.faults,
        facts.alarms,
        found,
    )
