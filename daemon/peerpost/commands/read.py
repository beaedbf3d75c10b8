"""`peerpost read`: tell the others that a channel has been read."""

from __future__ import annotations

from peerpost.terminal import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the channel, and how far."""
    parser.add_argument("channel", metavar="CHANNEL", help="a channel, or an identity")
    parser.add_argument("--up-to", metavar="ID", help="the last message that was read (all)")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Mark it read, and print how far."""
    name = options.channel
    channel = name.lower() if "@" in name else name  # a conversation goes by its identity
    marked = client.mark_read(channel, up_to=options.up_to)
    news = "the others are told" if marked["changed"] else "nothing new"
    screen.show(marked, f"{label(name)} is read up to {marked['position']}, {news}")
