"""Every command and action there is, found in the parsers, and arguments with which each does its work."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from peerpost.arguments import Parser
from peerpost.commands import SUMMARIES
from tests.client.test_commands import BOB, CASES

Leaf = tuple[str, ...]
INVITATION = f"peerpost://join?relay=wss://relay.example.org&key={'a' * 64}&token=secret"
SECRET = "@secret"  # in its place: a file with a passphrase
FOLDER = "@folder"  # in its place: an empty folder
LINES: dict[Leaf, str] = {("history", "import"): '{"message": "1"}\n', ("send", "ops"): "a file"}
"""What stands on standard input."""
MORE = [
    ["init", "--passphrase-file", SECRET],
    ["unlock", "--passphrase-file", SECRET],
    ["join", INVITATION, "--as", BOB],
    ["reply", "abc", "yes"],
    ["request", "ops", "who?"],
    ["run", "ops", "--", sys.executable, "-c", ""],
    ["save", "abc", "--to", FOLDER],
    ["listen", "--count", "1"],
    ["history", "export", "ops"],
    ["history", "import", "ops"],
    ["health"],
    ["doctor"],
    ["contacts", "known", SECRET],
    ["backup", "--passphrase-file", SECRET],
    ["restore", "--passphrase-file", SECRET],
    ["backup", "--show"],
    ["backup", "--destroy"],
    ["backup", "--new-passphrase", "--passphrase-file", SECRET],
    ["send", "ops", "--file", "-"],
    ["listen", "--consumer", "bot", "--count", "1"],
]


def leaves() -> list[Leaf]:
    """Return all commands, those with actions by each of these."""
    found: list[Leaf] = []
    for name in SUMMARIES:
        parser = Parser(name)
        importlib.import_module(f"peerpost.commands.{name}").arguments(parser)
        actions = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        found += [(name, action) for action in (actions[0].choices if actions else ())]
        found += [] if actions else [(name,)]
    return found


def example(leaf: Leaf, folder: Path) -> list[str]:
    """Return arguments for a command; raise StopIteration for one that has no example yet."""
    return next(one for one in every_example(folder) if tuple(one[: len(leaf)]) == leaf)


def every_example(folder: Path) -> list[list[str]]:
    """Return the arguments of all examples; what they read and write is in a folder."""
    secret = folder / "secret"
    secret.write_text("correct horse")
    secret.chmod(0o600)
    places = {SECRET: str(secret), FOLDER: str(folder)}
    known = [case[0] for case in CASES] + MORE
    return [[places.get(argument, argument) for argument in one] for one in known]


def with_json(arguments: list[str]) -> list[str]:
    """Return the arguments with `--json` among the options."""
    return [arguments[0], "--json", *arguments[1:]]
