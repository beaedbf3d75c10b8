"""`peerpost save`: fetch the files of a message and write them."""

from __future__ import annotations

from time import monotonic

from peerpost.arguments import natural, seconds
from peerpost.errors import PeerpostError, TimeoutWaitingError
from peerpost.filing import save
from peerpost.progress import Progress
from peerpost.terminal import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen
    from peerpost.types import File

LOOK_SECONDS = 0.5
DEFAULT_TIMEOUT = 3600.0


def arguments(parser: Parser) -> None:
    """Declare the message, and where its files go."""
    parser.add_argument("message", metavar="MESSAGE", help="the message that has the files")
    parser.add_argument(
        "--to", metavar="PATH", default=".", help="a folder, or for one file its new path (here)"
    )
    parser.add_argument("--file", type=natural, metavar="N", help="only this one of its files")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    parser.add_argument(
        "--timeout", type=seconds, metavar="S", help="how long to wait for each file (1h)"
    )


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Save, and print where the files are."""
    attached = client.message_show(options.message)["files"]
    wanted = [each for each in attached if options.file in {None, each["file"]}]
    if not wanted:
        raise PeerpostError("unknown_file", "The message has no such file.")
    for each in wanted:
        file = _fetched(client, each["file"], options.timeout or DEFAULT_TIMEOUT)
        path = save(client, file, options.to, overwrite=options.overwrite)
        screen.show({"file": file["file"], "path": path, "size": file["size"]}, label(path))


def _fetched(client: Client, number: int, patience: float) -> File:
    """Wait until a file is here, showing how far it has come."""
    until = monotonic() + patience
    file = client.file_show(number)
    with Progress(file["name"], file["size"]) as progress:
        while True:
            try:
                return client.file_fetch(number, timeout=LOOK_SECONDS)
            except TimeoutWaitingError:
                if monotonic() > until:
                    raise
                progress.at(client.file_show(number)["done"])
