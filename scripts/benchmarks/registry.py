"""The cases that `scripts/bench` knows, in the order in which they run."""

from scripts.benchmarks import (
    files,
    growth,
    latency,
    memory,
    oneshot,
    relay,
    rpc,
    search,
    start,
    throughput,
)
from scripts.benchmarks.case import Case

CASES: dict[str, Case] = {
    module.CASE.name: module.CASE
    for module in (latency, throughput, start, memory, oneshot, rpc, relay, growth, search, files)
}
