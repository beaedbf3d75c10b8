"""`peerpost channel`: create, list, show, extend, reduce or leave channels."""

from __future__ import annotations

from peerpost.arguments import add_subcommands
from peerpost.listing import channel_line, channel_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen
    from peerpost.types import Channel

ACTIONS = {
    "create": "create a channel",
    "list": "list the channels",
    "show": "show a channel and its members",
    "add": "add members",
    "remove": "remove members",
    "leave": "leave a channel",
}


def arguments(parser: Parser) -> None:
    """Declare the actions."""
    actions = add_subcommands(parser, ACTIONS)
    for name, action in actions.items():
        if name != "list":
            meaning = "its name" if name == "create" else "its name or id"
            action.add_argument("channel", metavar="CHANNEL", help=meaning)
        if name in {"create", "add", "remove"}:
            count = "*" if name == "create" else "+"
            action.add_argument("members", metavar="IDENTITY", nargs=count, help="the members")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Do the action, and print the channel as it is then."""
    if options.action == "list":
        channels = client.channel_list()
        screen.show(channels, *map(channel_line, channels["channels"]))
    else:
        channel = _act(client, options)
        screen.show(channel, *channel_lines(channel))


def _act(client: Client, options: Namespace) -> Channel:
    name = options.channel
    match options.action:
        case "create":
            return client.channel_create(name, options.members)
        case "add":
            return client.channel_add(name, options.members)
        case "remove":
            return client.channel_remove(name, options.members)
        case "leave":
            return client.channel_leave(name)
        case _:
            return client.channel_show(name)
