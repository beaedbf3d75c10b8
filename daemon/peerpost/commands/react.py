"""`peerpost react`: put a sign to a message, or take it back."""

from __future__ import annotations

from peerpost.listing import message_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the message and the sign."""
    parser.add_argument("message", metavar="ID", help="the message")
    parser.add_argument("emoji", metavar="SIGN", help="an emoji, or any 32 characters")
    parser.add_argument("--withdraw", action="store_true", help="take it back")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """React, and print the message with its reactions."""
    message = client.react(options.message, options.emoji, withdraw=options.withdraw or None)
    screen.show(message, *message_lines(message))
