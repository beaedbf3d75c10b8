"""Every case of scripts/bench runs with real processes and writes whole figures; none is timed."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.benchmarks.case import Case, Peer, choose_peers
from scripts.benchmarks.command import main
from scripts.benchmarks.curves import curves_of
from scripts.benchmarks.figure import Figure, Sample, figures_of, percentile, table
from scripts.benchmarks.registry import CASES

FIELDS = {"case", "system", "metric", "unit", "median", "min", "max", "runs", "commit", "machine"}
MACHINE = {"cores", "processor", "python", "kernel", "versions", "load"}


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("case", CASES)
def test_a_case_runs_and_writes_whole_figures(case: str, tmp_path: Path) -> None:
    file = tmp_path / "figures"
    assert main([case, "--runs", "1", "--messages", "4", "--json", str(file)]) == 0
    figures = lines_of(file)
    assert figures
    for figure in figures:
        assert figure.keys() == FIELDS
        assert figure["machine"].keys() == MACHINE
        assert figure["case"] == case
        assert figure["min"] <= figure["median"] <= figure["max"]


def test_a_peer_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "--runs", "1", "--messages", "1", "--beside", "no-such-peer"]) == 0
    assert "skipped: no-such-peer beside start" in capsys.readouterr().out


async def nothing(_plan: object) -> Any:
    yield Sample("a", "b", "c", 1.0)


def test_a_peer_that_is_not_installed_is_told_from_one_that_does_other_work() -> None:
    peers = (Peer("here", "sh"), Peer("away", "no-such-program"))
    case = Case("x", "", nothing, 1, 1, peers)
    chosen, skipped = choose_peers(case, ["here", "away", "other"])
    assert chosen == {"here"}
    assert [(each.peer, each.reason) for each in skipped] == [
        ("away", "no-such-program is not installed"),
        ("other", "it does not do this work"),
    ]


def test_samples_of_one_metric_make_one_figure() -> None:
    samples = [Sample("a", "m", "ms", value) for value in (3.0, 1.0, 2.0)]
    assert figures_of("x", samples) == [Figure("x", "a", "m", "ms", 2.0, 1.0, 3.0, 3)]


def test_curves_are_read_from_the_figures_in_the_order_of_their_sizes() -> None:
    figures = [
        {"case": "growth", "metric": "readers: 1,000"},
        {"case": "growth", "metric": "readers: 10"},
        {"case": "relay", "metric": "deliveries"},
    ]
    assert [size for size, _ in curves_of(figures)["readers"]] == [10, 1_000]


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([5.0], 0.99) == 5.0
    assert percentile([1.0, 2.0], 0.5) == 1.0


def test_the_table_lines_its_columns_up() -> None:
    head, row = table([Figure("x", "a", "m", "ms", 1234.5, 0.25, 3.0, 3)]).splitlines()
    assert head.split() == ["case", "system", "metric", "median", "min", "max", "unit", "runs"]
    assert row.split() == ["x", "a", "m", "1,234", "0.25", "3", "ms", "3"]


def test_a_count_of_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["rpc", "--runs", "0"])
    assert refused.value.code == 2
    assert "a positive number is expected" in capsys.readouterr().err
