"""`peerpost send`: send a message to an identity or a channel."""

from __future__ import annotations

import sys

from peerpost.arguments import seconds
from peerpost.content_input import (
    content,
    declare_content,
    declare_presentation,
    from_input,
    presentation,
    text,
)
from peerpost.errors import PeerpostError, TimeoutWaitingError, UsageError
from peerpost.terminal import label, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen

STATES = ("queued", "sent", "delivered", "read")


def arguments(parser: Parser) -> None:
    """Declare the receiver, the content, and what to wait for."""
    parser.add_argument("to", metavar="TO", help="an identity, or a channel's name or id")
    declare_content(parser)
    declare_presentation(parser)
    parser.add_argument(
        "--lines",
        action="store_true",
        help="send standard input as it comes, several lines a message",
    )
    parser.add_argument(
        "--file",
        action="append",
        dest="files",
        metavar="PATH",
        help="send a file, `-` for standard input; may be given several times",
    )
    parser.add_argument("--reply-to", metavar="ID", help="the message that this one answers")
    parser.add_argument(
        "--expires-in", type=seconds, metavar="S", help="when it loses its worth, such as 1h"
    )
    parser.add_argument(
        "--key", metavar="KEY", help="send at most one message for this key, however often called"
    )
    parser.add_argument(
        "--at", metavar="TIME", help="send it then, such as 2026-11-22T15:00:00Z; see `cancel`"
    )
    parser.add_argument("--wait", choices=STATES, help="return only when it is so far (queued)")
    parser.add_argument(
        "--timeout", type=seconds, metavar="S", help="how long to wait for that (30)"
    )


def run(client: Client, options: Namespace, screen: Screen) -> int:
    """Send, and print the message's id."""
    if options.lines:
        return _send_lines(client, options, screen)
    receiver = "to" if "@" in options.to else "channel"
    try:
        delivery = client.send(
            **{receiver: options.to},
            **_content(client, options),
            reply_to=options.reply_to,
            expires_in=options.expires_in,
            idempotency_key=options.key,
            **presentation(options),
            send_at=options.at,
            wait=options.wait,
            timeout=options.timeout,
        )
    except TimeoutWaitingError as error:
        if not screen.as_json and "message" in error.data:
            write(label(error.data["message"]))  # it is on its way: `status ID` tells more
        raise
    screen.show(delivery, label(delivery["message"]))
    if delivery["status"] != "failed":
        return 0
    reason = delivery["reason"] or "no reason was given"
    sentence = f"The message could not be delivered: {reason}."
    raise PeerpostError("delivery_failed", sentence, {"reason": delivery["reason"]})


def _send_lines(client: Client, options: Namespace, screen: Screen) -> int:
    from peerpost.batching import send_lines  # noqa: PLC0415 - a single message needs none of it

    single = (options.data, options.media_type, options.reply_to, options.key, options.wait)
    if not from_input(options) or any(single):
        raise UsageError("usage", "--lines reads standard input, and goes with --expires-in alone.")
    if sys.stdin is None:
        return 0
    receiver = "to" if "@" in options.to else "channel"

    def send(text: str, key: str) -> None:
        sent = client.send(
            **{receiver: options.to},
            text=text,
            expires_in=options.expires_in,
            idempotency_key=key,
        )
        screen.show(sent, label(sent["message"]))

    send_lines(sys.stdin.fileno(), send)
    return 0


def _content(client: Client, options: Namespace) -> dict[str, Any]:
    if not options.files:
        return content(options)
    from peerpost.filing import hand_over  # noqa: PLC0415  most messages have no files

    if options.data or options.media_type:
        raise UsageError("usage", "--file goes with a text, not with --data.")
    if options.files.count("-") + (options.text == "-") > 1:
        raise UsageError("usage", "Standard input is one thing only.")
    said = None if options.text is None else text(options)
    return {"text": said, "files": [hand_over(client, path) for path in options.files]}
