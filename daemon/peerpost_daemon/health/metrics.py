"""`GET /metrics` on the daemon's socket: what `daemon.health` says, for Prometheus.

Nothing is counted for it. Whoever may call `daemon.health` may read it; no figure names an identity or a channel, but
consumers and alarms stand in labels. docs/metrics.md lists them; a test holds it to these tables.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Health = dict[str, Any]
Value = float | None


class Row(Struct, frozen=True):
    """Be one metric: `value` says None where there is nothing to say."""

    name: str
    help: str
    value: Callable[[Health], Value]


class Labelled(Struct, frozen=True):
    """Be one metric with a value for each item of a list of the health."""

    name: str
    help: str
    label: str
    items: str
    field: str


def _outbox(field: str, scale: float = 1) -> Callable[[Health], Value]:
    return lambda health: _scaled((health["outbox"] or {}).get(field), scale)


def _link(field: str, scale: float = 1) -> Callable[[Health], Value]:
    return lambda health: _scaled(health["link"].get(field), scale)


def _storage(field: str) -> Callable[[Health], Value]:
    return lambda health: _scaled(health["storage"].get(field), 1)


def _scaled(value: Value, scale: float) -> Value:
    return None if value is None else value * scale


ROWS = (
    Row("peerpost_daemon_well", "1 when there are no findings.", lambda h: h["well"]),
    Row("peerpost_daemon_ready", "1 when the vault is open.", lambda h: h["state"] == "ready"),
    Row(
        "peerpost_daemon_link_online",
        "1 while there is a session with the relay.",
        lambda h: h["link"]["state"] == "online",
    ),
    Row(
        "peerpost_daemon_link_down_seconds",
        "Since the link was last online; absent while it is.",
        _link("down_ms", 0.001),
    ),
    Row(
        "peerpost_daemon_link_round_trip_seconds",
        "Of the newest answer to a ping.",
        _link("round_trip_ms", 0.001),
    ),
    Row(
        "peerpost_daemon_clock_skew_seconds",
        "The relay's clock minus this one's.",
        _link("clock_skew_ms", 0.001),
    ),
    Row("peerpost_daemon_outbox_messages", "Waiting for the relay.", _outbox("queued")),
    Row("peerpost_daemon_outbox_bytes", "Their bodies.", _outbox("queued_bytes")),
    Row(
        "peerpost_daemon_outbox_oldest_age_seconds",
        "Age of the oldest that waits.",
        _outbox("oldest_queued_age_ms", 0.001),
    ),
    Row(
        "peerpost_daemon_unacknowledged_messages",
        "Sent and waiting for receipts.",
        _outbox("unacknowledged"),
    ),
    Row("peerpost_daemon_vault_bytes", "Vault and its log.", _storage("vault_bytes")),
    Row("peerpost_daemon_history_bytes", "Bodies of all messages.", _storage("history_bytes")),
    Row("peerpost_daemon_disk_free_bytes", "Left on the vault's disk.", _storage("free_bytes")),
    Row(
        "peerpost_daemon_faults_total",
        "Parts that failed for an unforeseen reason since the vault was opened.",
        lambda h: h["faults"],
    ),
)
LABELLED = (
    Labelled(
        "peerpost_daemon_consumer_behind_events",
        "Events that a consumer which lags has not acknowledged.",
        "consumer",
        "consumers",
        "behind",
    ),
    Labelled(
        "peerpost_daemon_alarms",
        "How often an alarm of the last 7 days has sounded.",
        "change",
        "alarms",
        "count",
    ),
)


def exposition(answer: bytes) -> bytes:
    """Return the text that Prometheus reads, from the result of `daemon.health` as JSON."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest  # noqa: PLC0415 - few ask
    from prometheus_client.registry import Collector  # noqa: PLC0415

    class Shown(Collector):
        def collect(self) -> "Iterator[Metric]":
            return _families(msgspec.json.decode(answer))

    registry = CollectorRegistry()
    registry.register(Shown())
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _families(health: Health) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

    for row in ROWS:
        value = row.value(health)
        if value is not None:
            family = CounterMetricFamily if row.name.endswith("_total") else GaugeMetricFamily
            yield family(row.name, row.help, value=float(value))
    for each in LABELLED:
        labelled = GaugeMetricFamily(each.name, each.help, labels=[each.label])
        counts: dict[str, int] = {}
        for item in health[each.items]:
            counts[item[each.label]] = counts.get(item[each.label], 0) + item[each.field]
        for name, count in counts.items():
            labelled.add_metric([name], count)
        yield labelled
