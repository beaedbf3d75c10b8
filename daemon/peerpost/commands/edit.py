"""`peerpost edit`: replace the text of a message of one's own."""

from __future__ import annotations

from peerpost.content_input import text
from peerpost.listing import message_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the message and its new text."""
    parser.add_argument("message", metavar="ID", help="the message")
    parser.add_argument(
        "text", metavar="TEXT", nargs="?", help="the new text; without it, standard input"
    )


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Edit, and print the message as it is now."""
    message = client.edit(options.message, text(options))
    screen.show(message, *message_lines(message))
