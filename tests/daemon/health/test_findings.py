"""Each kind of finding by itself: facts in which all is well, one of them changed."""

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from peerpost_daemon.health.facts import AlarmFact, Backlog, Facts, Lag, Link, Storage
from peerpost_daemon.health.findings import LOW_BYTES, TABLE, findings
from peerpost_daemon.link.status import LinkState

DAY = 86_400_000
WELL = Facts(
    state="ready",
    account="registered",
    link=Link("wss://relay", LinkState.ONLINE, 0, None, None, 1.0, 500, 20),
    outbox=Backlog(5, 500, 100, 10_000, 1_000, 3, DAY),
    consumers=(),
    storage=Storage(LOW_BYTES, 4_096, 10, read_only=False),
    faults=0,
    alarms=(),
)
DOWN = Link("wss://relay", LinkState.WAITING, 0, 61_000, "refused")


def link(**changes: Any) -> dict[str, Any]:
    return {"link": replace(WELL.link, **changes)}


def outbox(**changes: Any) -> dict[str, Any]:
    assert WELL.outbox is not None
    return {"outbox": replace(WELL.outbox, **changes)}


def storage(**changes: Any) -> dict[str, Any]:
    return {"storage": replace(WELL.storage, **changes)}


def alarm(change: str) -> dict[str, Any]:
    return {"alarms": (AlarmFact(change, 1, 2, "what happened"),)}


CASES: dict[str, list[dict[str, Any]]] = {
    "no_vault": [{"state": "no_vault", "account": None, "outbox": None}],
    "locked": [{"state": "locked", "account": None, "outbox": None}],
    "no_account": [{"account": None}],
    "account_refused": [{"account": "refused"}, link(state=LinkState.REFUSED)],
    "link_down": [{"link": DOWN}, {"link": replace(DOWN, state=LinkState.CONNECTING)}],
    "link_silent": [link(heard_ago_ms=10_000)],
    "clock_skew": [link(clock_skew_ms=60_000), link(clock_skew_ms=-365 * DAY)],
    "outbox_stuck": [outbox(oldest_queued_age_ms=300_000)],
    "outbox_filling": [outbox(queued=80), outbox(queued_bytes=8_000)],
    "receivers_silent": [outbox(oldest_unacknowledged_age_ms=7 * DAY)],
    "consumer_lagging": [{"consumers": (Lag("backup", "silent", 9, 1),)}],
    "storage_full": [storage(trouble="storage_full")],
    "storage_failed": [storage(trouble="storage_failed")],
    "read_only": [storage(read_only=True)],
    "disk_low": [storage(free_bytes=LOW_BYTES - 1)],
    "history_filling": [
        storage(history_bytes=80, max_history_bytes=100),
        storage(history_bytes=99, max_history_bytes=100),
    ],
    "history_full": [storage(history_bytes=100, max_history_bytes=100)],
    "quarantine_let_go": [alarm("quarantine_let_go")],
    "vault_damaged": [storage(damage="page 3")],
    "long_log": [storage(log_frames=40_000)],
    "engine_fault": [{"faults": 1}],
    "vault_rolled_back": [alarm("sequence_recovered")],
    "relay_rolled_back": [alarm("relay_rolled_back")],
    "roster_given_back": [alarm("roster_given_back")],
    "roster_not_given_back": [alarm("roster_not_given_back")],
    "roster_forked": [alarm("roster_forked")],
    "relay_lost_messages": [alarm("relay_lost_messages")],
    "sequence_claimed": [alarm("sequence_claimed")],
    "receivers_ahead": [alarm("receivers_ahead")],
    "sequence_leapt": [alarm("sequence_leapt")],
    "relay_store_changed": [alarm("relay_store_changed")],
    "history_lost": [alarm("history_lost")],
    "backup_fetched": [alarm("backup_fetched")],
    "backup_rolled_back": [alarm("backup_rolled_back")],
}
PAIRS = [(kind, changes) for kind, cases in CASES.items() for changes in cases]


def test_nothing_is_found_where_all_is_well() -> None:
    assert findings(WELL) == []


@pytest.mark.parametrize(("kind", "changes"), PAIRS)
def test_each_kind_is_found_alone(kind: str, changes: dict[str, Any]) -> None:
    (found,) = findings(replace(WELL, **changes))
    assert found.kind == kind
    assert found.detail
    assert found.fix


@pytest.mark.parametrize(
    "changes",
    [
        {"link": replace(DOWN, down_ms=59_000)},
        link(heard_ago_ms=9_999),
        link(clock_skew_ms=-59_999),
        outbox(oldest_queued_age_ms=299_999, queued=79, queued_bytes=7_999),
        outbox(oldest_queued_age_ms=None, oldest_unacknowledged_age_ms=None),
        alarm("unlocked"),
        storage(history_bytes=79, max_history_bytes=100),
        {"account": "pending"},
    ],
)
def test_just_below_a_bound_nothing_is_found(changes: dict[str, Any]) -> None:
    assert findings(replace(WELL, **changes)) == []


def test_several_things_are_found_together() -> None:
    found = findings(replace(WELL, faults=2, **storage(free_bytes=0), link=DOWN))
    assert [finding.kind for finding in found] == ["link_down", "disk_low", "engine_fault"]


def test_every_kind_is_tested_and_documented_with_its_severity() -> None:
    assert set(CASES) == {row.kind for row in TABLE}
    document = (Path(__file__).parents[3] / "docs" / "rpc.md").read_text()
    for row in TABLE:
        assert re.search(rf"^\| `{row.kind}` \| {row.severity} \| .+ \|$", document, re.MULTILINE)
