"""`peerpost contacts`: list contacts, show one, or trust its cards."""

from __future__ import annotations

from peerpost.arguments import add_subcommands
from peerpost.listing import contact_line, contact_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen

ACTIONS = {
    "list": "list the contacts",
    "show": "show a contact and its cards",
    "accept": "trust the cards that a contact offers",
}


def arguments(parser: Parser) -> None:
    """Declare the actions."""
    actions = add_subcommands(parser, ACTIONS)
    for name in ("show", "accept"):
        actions[name].add_argument("identity", metavar="IDENTITY", help="the contact")
    actions["accept"].add_argument("--card", metavar="CARD", help="only this card")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Do the action, and print the contact as it is then."""
    if options.action == "list":
        contacts = client.contact_list()
        screen.show(contacts, *map(contact_line, contacts["contacts"]))
        return
    if options.action == "show":
        contact = client.contact_show(options.identity)
    else:
        contact = client.contact_accept(options.identity, card=options.card)
    screen.show(contact, *contact_lines(contact))
