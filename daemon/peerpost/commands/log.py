"""`peerpost log`: print the messages of a channel or a conversation."""

from __future__ import annotations

from peerpost.arguments import natural
from peerpost.errors import PeerpostError
from peerpost.listing import message_line
from peerpost.terminal import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen
    from peerpost.types import Channel


def arguments(parser: Parser) -> None:
    """Declare the channel and the part of it."""
    parser.add_argument("channel", metavar="CHANNEL", help="a channel, or an identity")
    parser.add_argument("--limit", type=natural, metavar="N", help="at most N messages (50)")
    parser.add_argument("--after", type=natural, metavar="C", help="only after this cursor")
    parser.add_argument("--before", type=natural, metavar="C", help="only before this cursor")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Print one page of messages in ascending order."""
    page = client.message_list(
        _channel(client, options.channel),
        after=options.after,
        before=options.before,
        limit=options.limit,
    )
    messages = page["messages"]
    screen.show(page, *(() if screen.as_json else map(message_line, messages)))
    if page["more"] and messages and not screen.as_json:
        onward = options.after is not None
        option = (
            f"--after {messages[-1]['cursor']}" if onward else f"--before {messages[0]['cursor']}"
        )
        complain(f"There are more: {option}")


def _channel(client: Client, name: str) -> str:
    if "@" not in name:
        return name
    channels = client.channel_list()["channels"]
    found = [channel for channel in channels if channel["direct"] and _holds(channel, name.lower())]
    if len(found) > 1:  # one's own identity is in all of them: notes to oneself are meant
        found = [channel for channel in found if len(channel["members"]) == 1]
    if len(found) != 1:
        raise PeerpostError("unknown_channel", f"There is no conversation with {name}.")
    return found[0]["channel"]


def _holds(channel: Channel, identity: str) -> bool:
    return any(member["identity"] == identity for member in channel["members"])
