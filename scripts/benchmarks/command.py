"""`scripts/bench`: arguments, the runs one after the other, the table and the JSON lines."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import uvloop

from scripts.benchmarks.case import Case, Plan, Skipped, choose_peers
from scripts.benchmarks.figure import Figure, Sample, figures_of, json_line, table
from scripts.benchmarks.machine import ROOT, this_machine
from scripts.benchmarks.registry import CASES

STOPPED = 130
PEERS = ROOT / ".peers/bin"  # where scripts/peers puts them


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for; return the exit code."""
    options = _parser().parse_args(arguments)
    # A process that never keeps its bytecode would be measured at its slowest start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PATH"] = f"{PEERS}{os.pathsep}{os.environ['PATH']}"
    machine = this_machine()
    if machine.is_busy:
        print(f"others use this machine (load {machine.load}): only ratios count", file=sys.stderr)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            figures, skipped = runner.run(_measure(options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("stopped; nothing was left running", file=sys.stderr)
        return STOPPED
    print(table(figures))
    for peer in skipped:
        print(f"skipped: {peer.peer} beside {peer.case}: {peer.reason}")
    if options.json is not None:
        options.json.write_text("".join(f"{json_line(each, machine)}\n" for each in figures))
    return 0


def _parser() -> argparse.ArgumentParser:
    cases = "\n".join(f"  {case.name:12}{case.summary}" for case in CASES.values())
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure peerpost, its own processes in a temporary folder.",
        epilog=f"cases:\n{cases}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("cases", metavar="CASE", nargs="+", choices=[*CASES, "all"], help="see below; or `all`")
    add("--beside", type=_names, default=(), metavar="PEER,...", help="measure these as well")
    add("--runs", type=_count, metavar="N", help="how often (each case has its own default)")
    add("--messages", type=_count, metavar="N", help="how many messages or calls in a run")
    add("--json", type=Path, metavar="FILE", help="write a line of JSON for each figure")
    return parser


async def _measure(options: argparse.Namespace) -> tuple[list[Figure], list[Skipped]]:
    task = asyncio.current_task()
    assert task is not None
    # Cancelled rather than killed: the processes of the case are ended on the way out.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    names = CASES if "all" in options.cases else dict.fromkeys(options.cases)
    figures, skipped = [], []
    for name in names:
        peers, without = choose_peers(CASES[name], options.beside)
        figures += await _measure_case(CASES[name], options, peers)
        skipped += without
    return figures, skipped


async def _measure_case(
    case: Case, options: argparse.Namespace, peers: frozenset[str]
) -> list[Figure]:
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        runs, messages = options.runs or case.runs, options.messages or case.messages
        async with aclosing(case.measure(Plan(Path(folder), runs, messages, peers))) as measured:
            async for sample in measured:
                samples.append(sample)
                _progress(f"{case.name}: {_rounds(samples)} of {runs}")
    _progress("")
    return figures_of(case.name, samples)


def _rounds(samples: Sequence[Sample]) -> int:
    return sum(sample[:2] == samples[0][:2] for sample in samples)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, text.split(","))))


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError("a positive number is expected")
    return int(text)
