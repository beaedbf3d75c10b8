"""The whole command line as one parser: for completions, manuals and references; a call builds only what it needs."""

from __future__ import annotations

from argparse import SUPPRESS
from importlib import import_module

from peerpost.arguments import Parser
from peerpost.commands import SUMMARIES

DESCRIPTION = "End-to-end-encrypted messaging for scripts, services and the people who run them."


def whole_parser() -> Parser:
    """Return a parser that has every command as a subcommand."""
    top = Parser("peerpost", description=DESCRIPTION)
    top.globals()
    top.add_argument("--version", action="store_true", help="print the version")
    choice = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name, summary in SUMMARIES.items():
        command = choice.add_parser(name, help=summary, description=summary)
        command.globals(SUPPRESS)  # a value given before the command stays
        import_module(f"peerpost.commands.{name}").arguments(command)
    return top
