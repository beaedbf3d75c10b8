"""The long form: `scripts/faults [CASE...]`. Every case prints a line as it ends; exit code 1: a violation."""

# ruff: noqa: T201 - a command prints

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from tests.faults import checker, guided
from tests.faults.disks import CannotMountError
from tests.faults.fuzzing import Fuzzed, fuzz
from tests.faults.network import FAULTS, PATIENT, noticed_after, through
from tests.faults.parser import Parser
from tests.faults.parsers import PARSERS
from tests.faults.power import Cuts, cut_the_daemon, cut_the_relay
from tests.faults.reconnects import BIN_SECONDS, come_back
from tests.faults.simulation.long import discoveries, weeks
from tests.faults.slow_reader import MEBIBYTE, Flood, compare
from tests.faults.storage import fill_disks
from tests.faults.storm import random_plan, storm
from tests.support.faulty_network import BLACK_HOLE, HALF_OPEN

NOTICED_SECONDS = 5.0
LINKS = 300
FLOOD_BOUND_BYTES = 24 * MEBIBYTE
FLOOD_ROUNDS = 5  # without and beside the one that does not read, in turns
TURN_SECONDS = 0.02
SLOW_SHARE = 40  # a parser with cryptography gets so many times fewer inputs
PART_RUNS = 100_000  # of a parser in one piece of work
SHOWN = 10  # violations of one case


@dataclass
class Report:
    """Be what one case found."""

    figures: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    skipped: str | None = None


@dataclass(frozen=True)
class Extent:
    """Say how much of everything."""

    kills: int
    cuts: int
    seconds: float
    runs: int
    envelopes: int
    seed: int
    worlds: int
    days: float


Case = Callable[[Path, Extent], Coroutine[Any, Any, Report]]


async def kills(folder: Path, extent: Extent) -> Report:
    """SIGKILL of relay and daemons, at every named point and at random moments."""
    return await _kills(folder, extent, churn=False)


async def churn(folder: Path, extent: Extent) -> Report:
    """SIGKILL as before, while somebody is added to the channels and removed all the time."""
    return await _kills(folder, extent, churn=True)


async def _kills(folder: Path, extent: Extent, *, churn: bool) -> Report:
    plan = random_plan(extent.kills, extent.seed)
    if churn:  # the owner of the channels changes their rosters, and lives
        plan = [replace(death, victim=2) if death.victim == 1 else death for death in plan]
    outcome = await storm(folder / "site", plan, TURN_SECONDS, churn=churn)
    unchanged = ", ".join(f"{kind} {count}" for kind, count in outcome.unchanged.items())
    figures = [
        (
            f"{sum(outcome.kills.values())} kills at {len(outcome.kills)} kinds of moments, "
            f"{len(outcome.unreached)} points not reached in time"
        ),
        (
            f"{outcome.said} messages said, {outcome.unanswered} calls unanswered and repeated, "
            f"{outcome.changes} changes of rosters, longest {outcome.longest_change:.1f} s (refused: "
            f"{unchanged or 'none'})"
        ),
        *(f"  {count:4} {where}" for where, count in sorted(outcome.kills.items())),
        *checker.table(outcome.verdicts).splitlines(),
    ]
    return Report(figures, outcome.violations)


async def power(folder: Path, extent: Extent) -> Report:
    """Power cuts of relay and daemon on ext4."""
    report = Report()
    for who, cut in (("relay", cut_the_relay), ("daemon", cut_the_daemon)):
        place = folder / who
        place.mkdir(parents=True)
        try:
            found: Cuts = await cut(place, extent.cuts, extent.seed)
        except CannotMountError as error:
            return Report(skipped=str(error))
        report.figures.append(
            f"{who}: {found.cuts} cuts, {found.acknowledged} acknowledged and looked for, "
            f"{found.missing} missing, {found.damaged} databases damaged"
        )
        report.violations += [f"{who}: {what}" for what in found.violations]
    return report


async def network(folder: Path, extent: Extent) -> Report:
    """Black hole, reset, half-open, slow drip, delay, bit flips, truncation."""
    report = Report()
    hasty = tuple(name for name in FAULTS if name not in PATIENT)
    for quick, names in ((False, PATIENT), (True, hasty)):
        passage = await through(folder / f"{quick}", names, extent.seconds, quick=quick)
        said = ", ".join(f"{name} {count}" for name, count in passage.said_during.items())
        report.figures += [
            f"{extent.seconds:.0f} s of each; messages taken meanwhile: {said}",
            f"{passage.sessions} sessions, {passage.broken_by_tls} ended by TLS at the relay's end",
            *checker.table(passage.verdicts).splitlines(),
        ]
        report.violations += passage.violations
    for fault in (BLACK_HOLE, HALF_OPEN):
        took = await noticed_after(folder / fault.name.replace(" ", "-"), fault, quick=False)
        report.figures.append(f"{fault.name}: noticed after {took:.2f} s")
        if took >= NOTICED_SECONDS:
            report.violations.append(f"{fault.name}: noticed only after {took:.2f} s")
    return report


async def reconnects(folder: Path, _: Extent) -> Report:
    """Three hundred links lose their relay at once."""
    report = Report()
    for how, killed in (("stopped", False), ("killed", True)):
        place = folder / how
        place.mkdir(parents=True)
        back = await come_back(place, LINKS, killed=killed)
        report.figures.append(
            f"relay {how} and started: {back.online} of {back.links} links online "
            f"{back.seconds:.1f} s after it was back; first delays up to {max(back.delays):.2f} s, "
            f"{back.share_in_busiest_tenth():.0%} of them in the fullest tenth; {back.attempts} "
            f"attempts, at most {back.busiest_bin} in {BIN_SECONDS} s"
        )
        report.violations += back.violations
    return report


async def flood(folder: Path, extent: Extent) -> Report:
    """Let one follower read nothing while a flood passes."""
    compared = await compare(folder, extent.envelopes, FLOOD_ROUNDS)
    figures = [
        _flood_line("without it", compared.without),
        _flood_line("beside it", compared.beside),
        f"then it read {len(compared.read_late)} of {len(compared.expected)}, in order",
    ]
    violations = compared.violations
    if compared.grown_bytes >= FLOOD_BOUND_BYTES:
        violations.append(f"the relay grew by {compared.grown_bytes / MEBIBYTE:.0f} MiB")
    return Report(figures, violations)


def _flood_line(when: str, floods: list[Flood]) -> str:
    p50, p99 = (
        f"{median(values):.1f} ({min(values):.1f} to {max(values):.1f}) ms"
        for values in ([each.median_ms for each in floods], [each.p99_ms for each in floods])
    )
    rate = median(each.envelopes / each.seconds for each in floods)
    grown = max(each.grown_bytes for each in floods) / MEBIBYTE
    work = median(each.processor_seconds for each in floods)
    return (
        f"{when}: {len(floods)} floods of {floods[0].envelopes} envelopes, "
        f"{floods[0].bytes / MEBIBYTE:.1f} MiB, {rate:.0f}/s; latency of a reader: median of the p50 {p50}, "
        f"of the p99 {p99}; the relay's memory at most {grown:+.1f} MiB, "
        f"its processor time {work:.2f} s"
    )


async def storage(folder: Path, extent: Extent) -> Report:
    """Full disks; damage, torn logs and rolled-back files are in tests/faults/test_storage.py."""
    try:
        found = await fill_disks(folder, extent.seconds)
    except CannotMountError as error:
        return Report(skipped=str(error))
    refused = ", ".join(f"{kind} {count}" for kind, count in found.refusals.items()) or "none"
    figures = [
        (
            f"{extent.seconds:.0f} s of a full relay disk ({found.said_while_relay_full} messages "
            f"taken meanwhile), then of a full vault disk; refusals: {refused}"
        ),
        *checker.table(found.verdicts).splitlines(),
    ]
    return Report(figures, found.violations)


async def fuzzing(_: Path, extent: Extent) -> Report:
    """Mutated inputs for every parser that faces the network, the socket or a file."""
    works = list(_works(extent))
    began = time.monotonic()
    with ProcessPoolExecutor() as pool:
        parts = list(pool.map(_fuzz, *zip(*works, strict=True)))
    took = time.monotonic() - began
    report = Report([f"{sum(p.runs for p in parts)} runs in {took:.0f} s"])
    for parser in PARSERS:
        mine = [part for part in parts if part.parser == parser.name]
        runs, refused = sum(p.runs for p in mine), sum(p.refused for p in mine)
        report.figures.append(
            f"  {parser.name:22} {runs:9} runs, {refused / runs:4.0%} refused, longest "
            f"{max(p.longest_seconds for p in mine) * 1000:.1f} ms"
        )
        findings = [finding for part in mine for finding in part.findings]
        report.violations += [f"{f.parser}: {f.what}: {f.replay}" for f in findings]
    return report


async def guided_fuzzing(_: Path, extent: Extent) -> Report:
    """Atheris on the same parsers, steered by coverage: a tenth of the runs."""
    if not guided.installed():
        return Report(skipped="atheris is not installed (pip install atheris)")
    report, began = Report(), time.monotonic()
    shares = [1 / SLOW_SHARE if parser.slow else 1.0 for parser in PARSERS]
    each = extent.runs / 10 / sum(shares)
    turns = asyncio.Semaphore(os.cpu_count() or 1)
    todo = [
        _guide(parser, max(1, round(each * share)), extent.seed, turns)
        for parser, share in zip(PARSERS, shares, strict=True)
    ]
    for parser, (runs, wrong) in zip(PARSERS, await asyncio.gather(*todo), strict=True):
        report.figures.append(f"  {parser.name:22} {runs:9} runs")
        report.violations += [f"{parser.name}: {wrong}"] if wrong else []
    report.figures.insert(
        0, f"{round(each * sum(shares))} runs in {time.monotonic() - began:.0f} s"
    )
    return report


async def _guide(
    parser: Parser, runs: int, seed: int, turns: asyncio.Semaphore
) -> tuple[int, str | None]:
    """Run atheris on one parser; return what it says when it found something."""
    command = [sys.executable, "-m", "tests.faults.guided", parser.name, str(runs), str(seed)]
    async with turns:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=Path(__file__).parents[2],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
    return runs, None if process.returncode == 0 else out.decode(errors="replace")[-1500:]


def _works(extent: Extent) -> Iterable[tuple[int, int, int]]:
    """Cut the runs into pieces: (parser, runs, seed)."""
    shares = [1 / SLOW_SHARE if parser.slow else 1.0 for parser in PARSERS]
    for number, share in enumerate(shares):
        left, part = max(1, round(extent.runs * share / sum(shares))), 0
        while left > 0:
            yield number, min(left, PART_RUNS), extent.seed * 1_000_000 + part
            left, part = left - PART_RUNS, part + 1


def _fuzz(number: int, runs: int, seed: int) -> Fuzzed:
    return fuzz(PARSERS[number], runs, seed)


async def simulation(_: Path, extent: Extent) -> Report:
    """Twenty daemons for days of virtual time, in worlds that the seed repeats exactly."""
    began = time.monotonic()
    seeds = range(extent.seed, extent.seed + extent.worlds)
    results = await asyncio.to_thread(weeks, seeds, extent.days)
    took = time.monotonic() - began
    report = Report(
        [
            f"{extent.worlds} worlds of {extent.days:g} days in {took:.0f} s, {os.cpu_count()} at once"
        ]
    )
    for result in results:
        what = ", ".join(f"{name} {count}" for name, count in result.counts.items())
        report.figures.append(
            f"  seed {result.plan.seed}: {result.said} said, {result.given} given, {what}; "
            f"trace {result.digest[:16]}"
        )
        if result.violations:
            report.violations.append(result.report())
    return report


async def planted(_: Path, extent: Extent) -> Report:
    """Mistakes planted in the product, each of which the simulation has to find."""
    report = Report()
    for mistake, seed, how in await asyncio.to_thread(discoveries, extent.seed):
        report.figures.append(f"  {mistake}: seed {seed}: {how}")
        if seed is None:
            report.violations.append(f"{mistake}: not found")
    return report


CASES: dict[str, Case] = {
    "kills": kills,
    "churn": churn,
    "power": power,
    "network": network,
    "reconnects": reconnects,
    "flood": flood,
    "storage": storage,
    "fuzz": fuzzing,
    "guided": guided_fuzzing,
    "simulation": simulation,
    "planted": planted,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases that are named, or all; return the exit code."""
    options = _parser().parse_args(arguments)
    extent = Extent(
        options.kills,
        options.cuts,
        options.seconds,
        options.runs,
        options.envelopes,
        options.seed,
        options.worlds,
        options.days,
    )
    wrong = 0
    for name in options.cases or CASES:
        wrong += _run(name, extent)
    print(f"\n{wrong} violations" if wrong else "\nno violation")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    summaries = "\n".join(f"  {name:11} {case.__doc__}" for name, case in CASES.items())
    parser = argparse.ArgumentParser(
        prog="scripts/faults",
        description="Break what can break around peerpost and see whether its promises hold.",
        epilog=f"cases (all, when none is named):\n{summaries}\n\nThe seed repeats what is planned "
        "and drawn; what the machine does in between is its own.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("cases", nargs="*", metavar="CASE", help="which; see below")
    add("--kills", type=int, default=200, metavar="N", help="planned kills (default: 200)")
    add("--cuts", type=int, default=25, metavar="N", help="power cuts of each (default: 25)")
    add("--seconds", type=float, default=8.0, metavar="S", help="of each fault (default: 8)")
    add(
        "--runs",
        type=int,
        default=10_000_000,
        metavar="N",
        help="of the fuzzer (default: 10 million)",
    )
    add("--envelopes", type=int, default=20_000, metavar="N", help="of a flood (default: 20000)")
    add(
        "--worlds",
        type=int,
        default=4,
        metavar="N",
        help="simulated, from the seed on (default: 4)",
    )
    add("--days", type=float, default=7.0, metavar="N", help="of virtual time in each (default: 7)")
    add("--seed", type=int, default=1, metavar="N", help="of everything drawn (default: 1)")
    return parser


def _run(name: str, extent: Extent) -> int:
    if name not in CASES:
        sys.exit(f"scripts/faults: there is no case {name!r}; there are {', '.join(CASES)}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="peerpost-faults-") as folder:
        report = asyncio.run(CASES[name](Path(folder), extent))
    took = time.monotonic() - began
    verdict = "skipped" if report.skipped else "VIOLATED" if report.violations else "held"
    print(f"\n{name}: {verdict} (seed {extent.seed}, {took:.0f} s)")
    for line in [report.skipped] if report.skipped else report.figures:
        print(f"  {line}")
    for violation in report.violations[:SHOWN]:
        print(f"  VIOLATION {violation[:2000]}")
    if len(report.violations) > SHOWN:
        print(f"  … and {len(report.violations) - SHOWN} more")
    sys.stdout.flush()
    return len(report.violations)
