"""`peerpost contacts`: list contacts, show one, and decide about it."""

from __future__ import annotations

from peerpost.arguments import add_subcommands
from peerpost.errors import UsageError
from peerpost.listing import contact_line, contact_lines, counted
from peerpost.terminal import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen
    from peerpost.types import Contact

ACTIONS = {
    "list": "list the contacts",
    "show": "show a contact and its cards",
    "accept": "trust the cards that a contact offers",
    "block": "send nothing to a contact and show nothing of it",
    "unblock": "take a blocked contact as it was met",
    "name": "give a contact another name here, or take it",
    "policy": "set what is believed of a contact, or in a channel",
    "known": "verify contacts by a file of fingerprints, like known_hosts",
}
POLICIES = ("tofu", "pin", "verified-only", "default")
MAX_LIST_BYTES = 2 * 1024 * 1024


def arguments(parser: Parser) -> None:
    """Declare the actions."""
    actions = add_subcommands(parser, ACTIONS)
    for name in ("show", "accept", "block", "unblock", "name"):
        actions[name].add_argument("identity", metavar="IDENTITY", help="the contact")
    actions["accept"].add_argument("--card", metavar="CARD", help="only this card")
    actions["name"].add_argument("alias", metavar="NAME", nargs="?", help="none: take the name")
    add = actions["policy"].add_argument
    add("target", metavar="IDENTITY|CHANNEL", help="an identity, or a channel")
    add("policy", choices=POLICIES, help="what is believed")
    actions["known"].add_argument(
        "file", metavar="FILE", help="an identity and a fingerprint a line"
    )


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Do the action, and print the contact as it is then."""
    if options.action == "list":
        contacts = client.contact_list()
        screen.show(contacts, *map(contact_line, contacts["contacts"]))
    elif options.action == "known":
        _known(client, options.file, screen)
    elif options.action == "policy":
        _policy(client, options, screen)
    else:
        contact = _contact(client, options)
        screen.show(contact, *contact_lines(contact))


def _contact(client: Client, options: Namespace) -> Contact:
    match options.action:
        case "accept":
            return client.contact_accept(options.identity, card=options.card)
        case "block":
            return client.contact_block(options.identity)
        case "unblock":
            return client.contact_unblock(options.identity)
        case "name":
            return client.contact_name(options.identity, alias=options.alias)
        case _:
            return client.contact_show(options.identity)


def _policy(client: Client, options: Namespace, screen: Screen) -> None:
    policy = None if options.policy == "default" else options.policy
    field = "identity" if "@" in options.target else "channel"
    done = client.contact_policy(**{field: options.target}, policy=policy)
    shown = done["policy"] or f"the default, {done['default']}"
    screen.show(done, f"{label(options.target)}  {label(shown)}")


def _known(client: Client, path: str, screen: Screen) -> None:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  pathlib would cost start-up
            text = file.read(MAX_LIST_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("usage", f"{path} cannot be read: {error}.") from None
    done = client.contact_known(text)
    counts = (
        f"{counted(done['listed'], 'fingerprint')}, {counted(len(done['verified']), 'contact')}"
    )
    screen.show(done, f"{counts} verified", *(f"  {label(who)}" for who in done["verified"]))
