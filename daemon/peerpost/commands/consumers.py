"""`peerpost consumers`: list the named readers of events, and look after what they left."""

from __future__ import annotations

from peerpost.arguments import add_subcommands, natural
from peerpost.errors import UsageError
from peerpost.listing import consumer_line, consumer_lines, dead_letter_line
from peerpost.terminal import complain, label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen

ACTIONS = {
    "list": "list the consumers",
    "show": "show a consumer: what it wants, how far it is, what it holds",
    "forget": "forget a consumer and its cursor; the messages stay",
    "dead-letters": "list what was delivered as often as allowed",
    "requeue": "deliver a dead letter again, or all",
    "discard": "be done with a dead letter, or with all",
}


def arguments(parser: Parser) -> None:
    """Declare the actions."""
    actions = add_subcommands(parser, ACTIONS)
    for name, action in actions.items():
        if name != "list":
            action.add_argument("consumer", metavar="NAME", help="the consumer")
        if name in {"requeue", "discard"}:
            action.add_argument("cursor", metavar="CURSOR", nargs="?", type=natural, help="which")
            action.add_argument("--all", action="store_true", help="all of them")
        if name == "dead-letters":
            action.add_argument("--after", type=natural, metavar="C", help="only after this cursor")
            action.add_argument("--limit", type=natural, metavar="N", help="at most N (50)")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Do the action, and print what it says."""
    match options.action:
        case "list":
            found = client.consumer_list()
            screen.show(found, *map(consumer_line, found["consumers"]))
        case "show":
            consumer = client.consumer_show(options.consumer)
            screen.show(consumer, *consumer_lines(consumer))
        case "forget":
            removed = client.consumer_remove(options.consumer)
            screen.show(removed, f"{label(removed['consumer'])} is forgotten")
        case "dead-letters":
            _dead_letters(client, options, screen)
        case _:
            _choose(client, options, screen)


def _dead_letters(client: Client, options: Namespace, screen: Screen) -> None:
    page = client.dead_letters(options.consumer, after=options.after, limit=options.limit)
    letters = page["dead_letters"]
    screen.show(page, *(() if screen.as_json else map(dead_letter_line, letters)))
    if page["more"] and letters and not screen.as_json:
        complain(f"There are more: --after {letters[-1]['cursor']}")


def _choose(client: Client, options: Namespace, screen: Screen) -> None:
    if (options.cursor is None) != options.all:
        raise UsageError("usage", "Which dead letter? Give its cursor, or --all.")
    act = client.requeue if options.action == "requeue" else client.discard
    chosen = act(options.consumer, options.cursor)
    screen.show(chosen, f"{chosen['count']} dead letters")
