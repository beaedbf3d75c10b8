"""`peerpost cancel`: take a message back that has not left."""

from __future__ import annotations

from peerpost.terminal import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the message."""
    parser.add_argument(
        "message", metavar="ID", help="a message that is queued or waits for its time"
    )


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Cancel, and say so."""
    delivery = client.cancel(options.message)
    screen.show(delivery, f"{label(delivery['message'])} is cancelled")
