"""share/: completions for bash, zsh and fish, made by shtab."""

import argparse

import shtab

from scripts.generation.parsers import PARSERS, actions_of, fixed_width, subparsers_of

PLACES = {
    "bash": "share/bash-completion/completions/{}",
    "zsh": "share/zsh/site-functions/_{}",
    "fish": "share/fish/vendor_completions.d/{}.fish",
}
COMPLETED = {"PATH": shtab.FILE, "FILE": shtab.FILE, "DIR": shtab.DIRECTORY}


def completion(command: str, shell: str) -> str:
    """Return the completions of a command."""
    with fixed_width():
        parser = PARSERS[command]()
        _name_files(parser)
        made: str = shtab.complete(parser, shell)
    return made.rstrip() + "\n"


def _name_files(parser: argparse.ArgumentParser) -> None:
    """Say which arguments are files, by what stands for them in the help."""
    for action in actions_of(parser):
        if action.metavar in COMPLETED:
            action.complete = COMPLETED[action.metavar]  # type: ignore[attr-defined]
    for each in subparsers_of(parser).values():
        _name_files(each)
