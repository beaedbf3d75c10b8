"""What `scripts/demo` does, from its arguments to its exit code."""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from peerpost import PeerpostError
from scripts.demonstration.by_hand import by_hand
from tests.support.account import table
from tests.support.conversation import Conversation, Show
from tests.support.lines import spoken_lines
from tests.support.processes import ProcessError
from tests.support.site import Site

LINES = 1_200
LEAST_LINES = 30  # fewer leave no room for what happens in between
FAILED, STOPPED = 1, 130
BAR = 40  # characters


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration and return its exit code; the folder of a failed one stays."""
    options = _parser().parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="peerpost-demo-"))
    code = FAILED
    try:
        code = asyncio.run(_until_stopped(folder, options.lines, keep=options.keep))
    except asyncio.CancelledError:
        code = STOPPED
        print("\nstopped; nothing is left running", file=sys.stderr)
    except (PeerpostError, ProcessError, TimeoutError) as error:
        print(f"\nthe demonstration failed: {str(error) or 'it took too long'}", file=sys.stderr)
    finally:
        _leave(folder, keep=options.keep or code == FAILED)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="One relay, three daemons, a real conversation through two crashes and an "
        "absence, and an account of every line. Nothing is left running.",
    )
    parser.add_argument(
        "--lines", type=_count, default=LINES, metavar="N", help="lines to say (%(default)s)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder with all data")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < LEAST_LINES:
        raise argparse.ArgumentTypeError(f"at least {LEAST_LINES} lines are needed")
    return int(text)


def _leave(folder: Path, *, keep: bool) -> None:
    if keep:
        print(f"all data and logs are in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)


async def _until_stopped(folder: Path, lines: int, *, keep: bool) -> int:
    """Demonstrate; a signal ends it in order, so that nothing is left running."""
    demonstrating = asyncio.create_task(_demonstrate(folder, lines, keep=keep))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, demonstrating.cancel)
    return await demonstrating


async def _demonstrate(folder: Path, lines: int, *, keep: bool) -> int:
    began = time.monotonic()
    show = Show(_stage, _progress)
    async with Site(folder) as site:
        show.stage(f"one relay and three daemons in {folder}")
        await site.relay.start()
        rows = await Conversation(site, spoken_lines(lines), show).held()
        relay_bytes = site.relay.process.resident_bytes()
    print(f"\n{table(rows, relay_bytes)}\n\n{time.monotonic() - began:.1f} seconds")
    print(by_hand(site, keep=keep))
    perfect = all(row.is_perfect for row in rows)
    print("every line reached every member exactly once" if perfect else "LINES WENT WRONG")
    return 0 if perfect else FAILED


def _stage(sentence: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{' ' * (BAR + 24)}\r", end="", file=sys.stderr, flush=True)
    print(f"- {sentence}", flush=True)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        bar = "#" * (BAR * done // total)
        print(f"\r[{bar:<{BAR}}] {done}/{total} lines", end="", file=sys.stderr, flush=True)
