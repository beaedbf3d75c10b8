"""docs/metrics.md says what the two processes say of themselves, and nothing else."""

import re
from pathlib import Path

from peerpost_daemon.health import metrics as daemon
from peerpost_relay import metrics as relay

DOCUMENT = Path(__file__).parents[1] / "docs/metrics.md"
ROW = re.compile(r"^\| `([a-z_{}]+)` \| (gauge|counter) \| (.+) \|$", re.MULTILINE)


def test_the_document_has_every_metric_with_its_words() -> None:
    plain = [(row.name, row.help) for row in (*relay.ROWS, *daemon.ROWS)]
    labelled = [(f"{row.name}{{{row.label}}}", row.help) for row in daemon.LABELLED]
    written = ROW.findall(DOCUMENT.read_text())
    assert [(name, about) for name, _, about in written] == plain + labelled


def test_counters_end_in_total() -> None:
    for name, kind, _ in ROW.findall(DOCUMENT.read_text()):
        assert (kind == "counter") is name.endswith("_total")
