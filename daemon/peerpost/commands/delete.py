"""`peerpost delete`: delete a message of one's own, or as an admin of another."""

from __future__ import annotations

from peerpost.listing import message_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the message."""
    parser.add_argument("message", metavar="ID", help="the message")
    parser.add_argument(
        "--author", metavar="WHO", help="whose message it is, where two have the id"
    )


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Delete, and print what is left."""
    message = client.delete(options.message, author=options.author)
    screen.show(message, *message_lines(message))
