"""`peerpost log`: print the messages of a channel or a conversation."""

from __future__ import annotations

from peerpost.arguments import natural
from peerpost.errors import PeerpostError
from peerpost.listing import message_lines
from peerpost.terminal import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen
    from peerpost.types import Channel, Messages


def arguments(parser: Parser) -> None:
    """Declare the channel and the part of it."""
    parser.add_argument("channel", metavar="CHANNEL", help="a channel, or an identity")
    parser.add_argument("--limit", type=natural, metavar="N", help="at most N messages (50)")
    parser.add_argument("--after", type=natural, metavar="C", help="only after this cursor")
    parser.add_argument("--before", type=natural, metavar="C", help="only before this cursor")
    parser.add_argument("--page", metavar="P", help="go on from a page's cursor, in its direction")
    parser.add_argument("--since", metavar="TIME", help="sent then or later (2026-11-22T15:00:00Z)")
    parser.add_argument("--until", metavar="TIME", help="sent then or earlier")
    parser.add_argument("--from", dest="sender", metavar="WHO", help="only of this identity")
    parser.add_argument("--thread", metavar="ID", help="only a message and the answers to it")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Print one page of messages in ascending order."""
    page = client.message_list(
        _channel(client, options.channel),
        after=options.after,
        before=options.before,
        limit=options.limit,
        page=options.page,
        since=options.since,
        until=options.until,
        sender=options.sender,
        thread=options.thread,
    )
    messages = page["messages"]
    screen.show(page, *(line for message in messages for line in message_lines(message)))
    if page["more"] and messages and not screen.as_json:
        complain(f"There are more: {_onward(page, options)}")


def _onward(page: Messages, options: Namespace) -> str:
    if options.page is not None:
        return f"--page {page['previous']} (before), --page {page['next']} (after)"
    if options.after is not None:
        return f"--after {page['messages'][-1]['cursor']}"
    return f"--before {page['messages'][0]['cursor']}"


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
