"""The parser of one command, made lean: argparse without what slows a one-shot call."""

from __future__ import annotations

import argparse
import os

from peerpost.durations import duration
from peerpost.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

WIDTH = 80  # columns where nobody says otherwise


class Formatter(argparse.HelpFormatter):
    """Know the width: argparse would import shutil and all compressors to find out."""

    def __init__(self, prog: str, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(prog, **({"width": _columns(), "max_help_position": 28} | options))


class Parser(argparse.ArgumentParser):
    """Raise UsageError instead of ending the process."""

    def __init__(self, prog: str, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(prog, formatter_class=Formatter, allow_abbrev=False, **options)
        self._intermixed = False  # options and arguments are being told apart

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Let options stand between the arguments too: `send ops --file report.txt "look"`.

        Not with `--`, which argparse then takes for an argument: all options stand before it.
        """
        if self._intermixed or self._subparsers is not None or "--" in (args or ()):
            return super().parse_known_args(args, namespace)
        self._intermixed = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._intermixed = False

    def error(self, message: str) -> NoReturn:
        """Raise a usage error with a hint to the help."""
        raise UsageError("usage", f"{message} (see {self.prog} --help)")

    def globals(self, default: object = None) -> None:
        """Add what every command understands."""
        self.add_argument(
            "--json", action="store_true", default=default, help="print the result as JSON"
        )
        self.add_argument(
            "--socket", metavar="PATH", default=default, help="the daemon's socket, if elsewhere"
        )
        self.add_argument(
            "--account",
            metavar="NAME",
            default=default,
            help="the account, of a daemon with several",
        )


def seconds(text: str) -> float:
    """Parse a duration argument."""
    try:
        return duration(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a duration such as 30, 5m or 1h: {text!r}") from None


def natural(text: str) -> int:
    """Parse a whole number that is not negative."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise argparse.ArgumentTypeError(f"not a number: {text!r}")
    return int(text)


def start(text: str) -> str | int:
    """Parse where to start: `start`, `now`, a cursor, or a time, which the daemon reads closely."""
    looks_like_a_time = text[:4].isdigit() and text[4:5] == "-"
    if text in {"start", "now"} or looks_like_a_time:
        return text
    try:
        return natural(text)
    except argparse.ArgumentTypeError:
        sentence = f"not start, now, a time such as 2026-11-22T15:00:00Z or a cursor: {text!r}"
        raise argparse.ArgumentTypeError(sentence) from None


def add_subcommands(
    parser: argparse.ArgumentParser, summaries: dict[str, str]
) -> dict[str, Parser]:
    """Add a choice of subcommands, each with the options of every command; `list` if none is named."""
    listing = "list" in summaries
    choice = parser.add_subparsers(
        dest="action", required=not listing, metavar="ACTION", parser_class=Parser
    )
    if listing:
        parser.set_defaults(action="list")
    parsers: dict[str, Parser] = {}
    for name, summary in summaries.items():
        parsers[name] = choice.add_parser(name, help=summary, description=summary)
        parsers[name].globals(argparse.SUPPRESS)  # a value given before the action stays
    return parsers


def _columns() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit():
        return max(40, min(int(columns), 200)) - 2
    try:
        return max(40, os.get_terminal_size(1).columns) - 2
    except OSError:
        return WIDTH - 2
