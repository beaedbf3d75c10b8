"""The `peerpost` command: find the command, parse its arguments, run it, name its outcome.

Only the chosen command's module is imported and only its parser is built, because a one-shot
`peerpost send` should cost little more than the interpreter.
"""

from __future__ import annotations

import os
import sys

from peerpost.commands import SUMMARIES
from peerpost.errors import PeerpostError, UsageError
from peerpost.terminal import Screen, report, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from peerpost.arguments import Parser
    from peerpost.client import Client

    class Command(Protocol):
        """What a module in `commands` offers."""

        def arguments(self, parser: Parser) -> None:
            """Declare the command's arguments."""

        def run(self, client: Client, options: Any, screen: Screen) -> int | None:  # noqa: ANN401
            """Do the command; return an exit code, None meaning done."""


INTERRUPTED = 130
BROKEN_PIPE = 141
USAGE = "usage: peerpost [--socket PATH] [--account NAME] [--json] COMMAND ..."
EXIT_MEANINGS = {
    0: "done",
    1: "failed",
    2: "usage",
    3: "no daemon",
    4: "locked",
    5: "timeout while waiting",
    6: "refused by policy or access",
}
_SPELLED = [f"{code} {text}" for code, text in EXIT_MEANINGS.items()]
EXIT_CODES = f"exit codes: {', '.join(_SPELLED[:-1])},\n            {_SPELLED[-1]}"


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        return _dispatch(arguments)
    except PeerpostError as error:
        if error.kind == "output_failed":
            _discard_output()
        report(error, error.exit_code, as_json=_wants_json(arguments))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        _discard_output()
        return BROKEN_PIPE


def _dispatch(arguments: list[str]) -> int:
    common, rest = _split(arguments)
    if not rest:
        if not _wants_json(arguments):
            print(USAGE, file=sys.stderr)
        raise UsageError("usage", "Which command? See peerpost --help.")
    if rest[0] in {"-h", "--help"}:
        write(_help())
        return 0
    if rest[0] == "--version":
        write(_version())
        return 0
    if rest[0] not in SUMMARIES:
        raise UsageError("usage", f"There is no command {rest[0]!r}. See peerpost --help.")
    return _run(rest[0], common + rest[1:])


def _wants_json(arguments: list[str]) -> bool:
    """Tell whether `--json` is among the options, also of a command that cannot be parsed."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Split off the options of every command that stand before the command."""
    index = 0
    while index < len(arguments):
        if arguments[index] in {"--socket", "--account"}:
            index += 2
        elif arguments[index] == "--json" or arguments[index].startswith(
            ("--socket=", "--account=")
        ):
            index += 1
        else:
            break
    return arguments[:index], arguments[index:]


def _run(name: str, arguments: list[str]) -> int:
    from peerpost.arguments import Parser  # noqa: PLC0415 - a help text needs neither
    from peerpost.client import Client  # noqa: PLC0415

    module = f"peerpost.commands.{name}"
    command: Command = __import__(module, fromlist=["run"])
    parser = Parser(f"peerpost {name}", description=SUMMARIES[name])
    parser.globals()
    command.arguments(parser)
    after: list[str] = []
    if getattr(command, "AFTER_DASHES", False) and "--" in arguments:
        at = arguments.index("--")
        arguments, after = arguments[:at], arguments[at + 1 :]
    try:
        options = parser.parse_args(arguments)
        options.after_dashes = after
    except SystemExit:  # a help text has been printed; errors are raised as UsageError
        if sys.stdout is not None:
            sys.stdout.flush()
        return 0
    screen = Screen(as_json=bool(options.json))
    with Client(options.socket, account=options.account) as client:
        return command.run(client, options, screen) or 0


def _help() -> str:
    width = max(map(len, SUMMARIES))
    commands = (f"  {name:{width}}  {summary}" for name, summary in SUMMARIES.items())
    return "\n".join(
        (
            USAGE,
            "",
            "End-to-end-encrypted messaging for scripts, services and the people who run them.",
            "",
            *commands,
            "",
            "peerpost COMMAND --help tells more. Every command understands --json, --socket and --account.",
            EXIT_CODES,
        )
    )


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - slow, and rarely asked for

    return f"peerpost {version('peerpost')}"


def _discard_output() -> None:
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
