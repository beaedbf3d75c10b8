"""The parsers of the three commands, and how wide what they say is."""

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from peerpost.grammar import whole_parser
from peerpost_daemon import process
from peerpost_relay import commands

PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "peerpost": whole_parser,
    "peerpostd": process.parser,
    "peerpost-relay": commands.parser,
}
WIDTH = "100"


@contextmanager
def fixed_width() -> Iterator[None]:
    """Let no parser ask the terminal how wide it is."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def actions_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return what is shown of a parser's arguments, options and choices of subcommands."""
    return [each for each in parser._actions if each.help is not argparse.SUPPRESS]  # noqa: SLF001 - no public way


def subparsers_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the subcommands by name."""
    for action in actions_of(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - no public way
            return dict(action.choices)
    return {}
