"""`peerpost backup`: leave what an empty machine needs, with the relay or in a file."""

from __future__ import annotations

from peerpost.commands.unlock import add_passphrase_sources, passphrase
from peerpost.listing import counted, moment
from peerpost.terminal import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen
    from peerpost.types import StoredBackup


def arguments(parser: Parser) -> None:
    """Declare what to do, and where the backup's passphrase comes from."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--to", metavar="FILE", help="write FILE, and leave the relay's as it is")
    what.add_argument(
        "--new-passphrase",
        action="store_true",
        help="put the relay's backup under another passphrase; nothing else is sent",
    )
    what.add_argument(
        "--show", action="store_true", help="show the relay's backup, and its fetches"
    )
    what.add_argument("--destroy", action="store_true", help="destroy the relay's backup for good")
    parser.add_argument(
        "--without-messages", action="store_true", help="leave the messages out of it"
    )
    add_passphrase_sources(parser)


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Do it; the daemon writes the file, as its own user."""
    if options.show:
        shown = client.backup_show()
        screen.show(shown, *_lines(shown))
    elif options.destroy:
        gone = client.backup_destroy()
        screen.show(gone, f"version {gone['version']} destroyed")
    elif options.new_passphrase:
        locked = client.backup_passphrase(_passphrase(options))
        screen.show(locked, f"version {locked['version']} has another passphrase")
    else:
        _make(client, options, screen)


def _make(client: Client, options: Namespace, screen: Screen) -> None:
    from pathlib import Path  # noqa: PLC0415 - slow, and only files need it

    made = client.backup(
        _passphrase(options),
        file=str(Path(options.to).absolute()) if options.to else None,
        messages=False if options.without_messages else None,
    )
    place = label(made["file"] or "the relay")
    size = f"{made['bytes']} bytes, {counted(made['messages'], 'message')}"
    screen.show(made, f"version {made['version']} at {place}: {size}")


def _passphrase(options: Namespace) -> str:
    return passphrase(options, twice=True, question="Passphrase of the backup")


def _lines(shown: StoredBackup) -> Iterator[str]:
    if not shown["version"]:
        yield "the relay keeps no backup"
    else:
        stored = moment(shown["stored_at_ms"] or 0)
        yield f"version {shown['version']}  {shown['bytes']} bytes  {stored}  by {label(shown['card'])}"
    for fetch in shown["fetches"]:
        yield f"  fetched {moment(fetch['at_ms'])}  version {fetch['version']}  by {label(fetch['card'])}"
