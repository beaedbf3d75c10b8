"""`peerpost status`: tell how the daemon is doing, or how far a message has come."""

from __future__ import annotations

from peerpost.listing import delivery_lines, status_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the message, if any."""
    parser.add_argument("message", metavar="MESSAGE", nargs="?", help="the id of a message")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Print the daemon's status, or a message's."""
    if options.message is None:
        status = client.status()
        screen.show(status, *status_lines(status))
    else:
        delivery = client.message_status(options.message)
        screen.show(delivery, *delivery_lines(delivery))
