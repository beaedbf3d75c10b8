"""`peerpost restore`: be the account of a backup again, in an empty vault."""

from __future__ import annotations

from peerpost.commands.unlock import add_passphrase_sources, passphrase
from peerpost.listing import counted
from peerpost.terminal import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare where the backup is, and where its passphrase comes from."""
    parser.add_argument(
        "--from",
        dest="source",
        metavar="FILE",
        help="read FILE; without it the relay is asked, to which the identity was proven",
    )
    parser.add_argument("--relay", metavar="URL", help="where the account's relay is by now")
    add_passphrase_sources(parser)


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Restore; the daemon reads the file, as its own user."""
    from pathlib import Path  # noqa: PLC0415 - slow, and only files need it

    done = client.restore(
        passphrase(options, question="Passphrase of the backup"),
        file=str(Path(options.source).absolute()) if options.source else None,
        relay=options.relay,
    )
    counts = (
        counted(done["contacts"], "contact"),
        counted(done["channels"], "channel"),
        counted(done["messages"], "message"),
    )
    what = ", ".join(counts)
    screen.show(done, f"{label(done['identity'])} restored from version {done['version']}: {what}")
