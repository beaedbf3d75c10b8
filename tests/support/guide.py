"""Run what a guide shows: the `console` blocks of a document, in one shell, and compare what it says.

A block's lines are commands (`$ `), their continuations (`> `), and what they print. What is printed is the same when
it differs in ids, numbers and times only; a command that goes on behind (`&`) has until PATIENCE to print it.
"""

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.support.processes import command, environment

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0  # seconds for one command
_BLOCKS = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_DONE = re.compile(r"\n<<(\d+)>>\n")
_VARYING = (
    (re.compile(r"(?:[0-9A-F]{4} ){9}[0-9A-F]{4}"), "<fingerprint>"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<message>"),
    (re.compile(r"\b[0-9a-f]{8,}\b"), "<id>"),
    (re.compile(r"\d+"), "#"),
)


class Step(NamedTuple):
    """A command and the lines that it prints."""

    command: str
    printed: list[str]


def steps_of(document: Path) -> Iterator[Step]:
    """Return what a document tells the reader to do."""
    for block in _BLOCKS.findall(document.read_text()):
        step: Step | None = None
        for line in block.splitlines():
            if line.startswith("$ "):
                if step:
                    yield step
                step = Step(line[2:], [])
            elif step and line.startswith("> ") and not step.printed:
                step = Step(f"{step.command}\n{line[2:]}", [])
            elif step:
                step.printed.append(line)
        if step:
            yield step


def likeness(line: str) -> str:
    """Return a line without what differs from run to run."""
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    return " ".join(line.split())


class Shell:
    """Be the reader's shell in an own home; everything that it started ends with it."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.said = ""
        self._port = str(port)
        path = f"{command('peerpost').parent}:{os.environ['PATH']}"
        own = {"HOME": str(home), "PATH": path, "LC_ALL": "C.UTF-8", "TZ": "UTC", "COLUMNS": "100"}
        kept = {k: v for k, v in environment().items() if not k.startswith("XDG_")}
        (home / "examples").symlink_to(ROOT / "scripts/examples")
        self._bash = subprocess.Popen(
            ["bash", "--norc"],
            cwd=home,
            env=kept | own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()

    def follow(self, document: Path) -> int:
        """Do all that a document says; return how many commands that were."""
        steps = list(steps_of(document))
        for step in steps:
            self.do(step)
        return len(steps)

    def do(self, step: Step) -> None:
        """Run a command; raise AssertionError when it fails or does not print what it should."""
        assert self._bash.stdin is not None
        began = len(self.said)
        text = step.command.replace("8765", self._port).replace("9095", str(int(self._port) + 1))
        self._bash.stdin.write(f"{{ {text}\n}} </dev/null\nprintf '\\n<<%d>>\\n' $?\n".encode())
        self._bash.stdin.flush()
        deadline = time.monotonic() + PATIENCE
        while missing := self._missing(step, began):
            told = f"{step.command}\nmissing: {missing}\nsaid: {self.said[began:]}"
            assert self._hear(deadline), told
        done = _DONE.search(self.said, began)
        assert done is not None
        assert done[1] == "0", f"{step.command}\n{self.said[began:]}"

    def _missing(self, step: Step, began: int) -> list[str]:
        """Return what is still to come: its end, lines that it prints."""
        if not _DONE.search(self.said, began):
            return ["its end"]
        there = {
            likeness(line.replace(str(self.home), "/home/you"))
            for line in self.said[began:].splitlines()
        }
        return [line for line in step.printed if likeness(line) not in there]

    def _hear(self, deadline: float) -> bool:
        """Take in what is printed; tell whether something was before the deadline."""
        assert self._bash.stdout is not None
        ready, _, _ = select.select(
            [self._bash.stdout], [], [], max(0.0, deadline - time.monotonic())
        )
        heard = os.read(self._bash.stdout.fileno(), 65_536) if ready else b""
        self.said += heard.decode()
        return bool(heard)
