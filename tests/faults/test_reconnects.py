"""All daemons lose their relay at once."""

from pathlib import Path

from peerpost_daemon.link import LinkSettings
from tests.faults.reconnects import come_back

EVEN = 0.1  # of the delays in each tenth of their span


async def test_three_hundred_links_come_back_spread_out(tmp_path: Path) -> None:
    returned = await come_back(tmp_path, 300, killed=False)
    assert not returned.violations
    assert len(returned.delays) == returned.links
    assert returned.share_in_busiest_tenth() < 3 * EVEN


async def test_links_of_a_killed_relay_come_back_spread_over_the_first_delay(
    tmp_path: Path,
) -> None:
    first = LinkSettings("wss://relay.example.org").first_delay
    returned = await come_back(tmp_path, 100, killed=True)
    assert not returned.violations
    assert 0.8 * first < max(returned.delays) <= first
    assert returned.share_in_busiest_tenth() < 3 * EVEN
