"""docs/reference/commands.md: every command, its arguments and the exit codes."""

import argparse
from collections.abc import Iterator

from peerpost.cli import EXIT_MEANINGS
from scripts.generation.methods import cell
from scripts.generation.parsers import PARSERS, actions_of, fixed_width, subparsers_of

PAGE = """\
# Commands

Made by `scripts/generate` from the parsers of the three commands. The man pages peerpost(1), peerpostd(8) and
peerpost-relay(8) say the same.

Every command of `peerpost` understands `--json` and `--socket PATH`. It ends with one of these codes; 130 when it was
interrupted, 141 when nobody read on, and `peerpost run` with the code of what it ran:

| code | meaning |
| --- | --- |
{codes}

Why a command failed stands on standard error, a sentence. With `--json` it is one JSON object on a line, the last one
there: `kind` (as of the methods' errors, or one of the client's own: `usage`, `no_daemon`, `connection_lost`,
`bad_answer`, `timeout`, `output_failed`, `delivery_failed`), `message`, `exit_code` and `data`, an object
(`retry_after` where it applies). Standard output holds results alone, one JSON object a line.

{commands}"""


def commands_page() -> str:
    """Return the page."""
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in EXIT_MEANINGS.items())
    with fixed_width():
        sections = [text for make in PARSERS.values() for text in _sections(make(), level=2)]
    return PAGE.format(codes=codes, commands="\n".join(sections))


def _sections(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    """Return the section of a command, then those of its subcommands."""
    yield f"{'#' * level} {parser.prog}\n"
    if parser.description:
        yield f"{parser.description}\n"
    if parser.epilog:
        yield f"{parser.epilog}\n"
    yield f"```text\n{parser.format_usage().removeprefix('usage: ').rstrip()}\n```\n"
    if rows := [_row(each) for each in actions_of(parser) if _is_own(each)]:
        yield "\n".join(("| argument | meaning |", "| --- | --- |", *rows, ""))
    for each in subparsers_of(parser).values():
        yield from _sections(each, min(level + 1, 4))


def _is_own(action: argparse.Action) -> bool:
    """Leave out what every command has, and subcommands, which have sections."""
    shared = {"--help", "--json", "--socket", "--version"} & set(action.option_strings)
    return not shared and not isinstance(action, argparse._SubParsersAction)  # noqa: SLF001 - no public way


def _row(action: argparse.Action) -> str:
    placeholder = action.metavar or (None if action.nargs == 0 else action.dest.upper())
    values = "\\|".join(map(str, action.choices)) if action.choices else placeholder
    spelled = ", ".join(action.option_strings)
    shown = " ".join(str(part) for part in (spelled, values) if part)
    text = (action.help or "") % (vars(action) | {"prog": ""})
    return f"| `{shown}` | {cell(text)} |"
