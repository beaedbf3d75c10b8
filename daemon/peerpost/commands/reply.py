"""`peerpost reply`: answer a message."""

from __future__ import annotations

from peerpost.content_input import content, declare_content, declare_presentation, presentation
from peerpost.terminal import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the message and the answer."""
    parser.add_argument("message", metavar="ID", help="the message that is answered")
    declare_content(parser)
    declare_presentation(parser)


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Answer where the message was said; a request's sender is told that it is the answer."""
    asked = client.message_show(options.message)
    where: dict[str, Any] = {"channel": asked["channel"], "reply_to": asked["message"]}
    if asked["expects_reply"] and not asked["mine"]:
        where = {"answers": asked["message"]}
    delivery = client.send(**where, **content(options), **presentation(options))
    screen.show(delivery, label(delivery["message"]))
