"""A follower that does not read. Twenty thousand envelopes, and figures: `scripts/faults flood`."""

from pathlib import Path

from tests.faults.slow_reader import MEBIBYTE, compare

BOUND_BYTES = 8 * MEBIBYTE  # one follower's live queue (1 MiB) and a page, with room for the rest


async def test_a_follower_that_does_not_read_costs_a_bounded_queue_and_misses_nothing(
    tmp_path: Path,
) -> None:
    flood = await compare(tmp_path, 2_000)
    assert not flood.violations
    assert flood.grown_bytes < BOUND_BYTES
