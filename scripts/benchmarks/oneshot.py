"""`peerpost send`, a whole process a message, beside `python3 -c pass` of the same environment.

They alternate, and between them nothing is on its way: what a message causes after its command
has ended must not slow the next one down.
"""

from collections.abc import AsyncGenerator
from pathlib import Path

from scripts.benchmarks.case import Case, Plan
from scripts.benchmarks.figure import Sample
from scripts.benchmarks.interpreter import bare_interpreter, one_shot
from scripts.benchmarks.pair import running_pair, settle
from tests.support.processes import command

WARM_UP = 3  # also writes the bytecode
MILLISECONDS = 1e3


async def measure(plan: Plan) -> AsyncGenerator[Sample, None]:
    """Yield both times and their ratio; a run is so many pairs, all of them samples."""
    async with running_pair(plan.folder / "pair") as pair:
        send: list[str | Path] = [
            command("peerpost"),
            "--socket",
            pair.alice.socket,
            "send",
            pair.bob.identity,
            "x",
        ]
        for number in range(-WARM_UP, plan.runs * plan.messages):
            ours = one_shot(send) * MILLISECONDS
            await settle(pair.alice.client)
            bare = bare_interpreter() * MILLISECONDS
            if number < 0:
                continue
            yield Sample("peerpost send", "start to end", "ms", ours)
            yield Sample("python3 -c pass", "start to end", "ms", bare)
            yield Sample("peerpost send", "times the bare interpreter", "x", ours / bare)


CASE = Case("oneshot", "peerpost send beside python3 -c pass", measure, 30, 1)
