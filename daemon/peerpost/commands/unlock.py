"""`peerpost unlock`: unlock the vault."""

from __future__ import annotations

from peerpost import secret_sources
from peerpost.arguments import natural
from peerpost.listing import status_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def add_passphrase_sources(parser: Parser) -> None:
    """Declare where the passphrase comes from; without any, a prompt asks."""
    sources = parser.add_mutually_exclusive_group()
    sources.add_argument(
        "--passphrase-fd",
        type=natural,
        metavar="N",
        help="read the passphrase from the file descriptor N",
    )
    sources.add_argument(
        "--passphrase-file",
        metavar="FILE",
        help="read the passphrase from FILE, which its owner alone may read",
    )


def passphrase(options: Namespace, *, twice: bool = False, question: str = "Passphrase") -> str:
    """Read the passphrase from where the options say."""
    if options.passphrase_fd is not None:
        return secret_sources.from_descriptor(options.passphrase_fd)
    if options.passphrase_file is not None:
        return secret_sources.from_file(options.passphrase_file)
    return secret_sources.from_prompt(question, twice=twice)


def arguments(parser: Parser) -> None:
    """Declare where the passphrase comes from."""
    add_passphrase_sources(parser)


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Unlock the vault."""
    status = client.unlock(passphrase(options))
    screen.show(status, *status_lines(status))
