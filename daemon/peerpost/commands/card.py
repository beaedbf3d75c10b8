"""`peerpost card`: search the relay's directory for cards."""

from __future__ import annotations

from peerpost.arguments import add_subcommands
from peerpost.listing import card_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen

ACTIONS = {"search": "list the live cards of an identity"}


def arguments(parser: Parser) -> None:
    """Declare the actions."""
    actions = add_subcommands(parser, ACTIONS)
    actions["search"].add_argument("identity", metavar="IDENTITY", help="whose cards")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Print the cards found; none is an answer too."""
    found = client.card_search(options.identity)
    screen.show(found, *(line for card in found["cards"] for line in card_lines(card)))
