"""`peerpost send`: send a message to an identity or a channel."""

from __future__ import annotations

import os
import sys

from peerpost.arguments import seconds
from peerpost.errors import TimeoutWaitingError, UsageError
from peerpost.terminal import complain, label, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen

UNKNOWN_MEDIA_TYPE = "application/octet-stream"
MAXIMUM_INPUT_BYTES = 8 * 1024 * 1024  # far above what a daemon takes; it names its own limit
STATES = ("queued", "sent", "delivered", "read")


def arguments(parser: Parser) -> None:
    """Declare the receiver, the content, and what to wait for."""
    parser.add_argument("to", metavar="TO", help="an identity, or a channel's name or id")
    parser.add_argument(
        "text",
        metavar="TEXT",
        nargs="?",
        help="the text; without it, or with `-`, standard input (one final newline is dropped)",
    )
    parser.add_argument("--data", action="store_true", help="send bytes exactly as they are")
    parser.add_argument(
        "--lines",
        action="store_true",
        help="send standard input as it comes, several lines a message",
    )
    parser.add_argument("--media-type", metavar="T", help="what the data is, such as image/png")
    parser.add_argument("--reply-to", metavar="ID", help="the message that this one answers")
    parser.add_argument(
        "--expires-in", type=seconds, metavar="S", help="when it loses its worth, such as 1h"
    )
    parser.add_argument(
        "--key", metavar="KEY", help="send at most one message for this key, however often called"
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
            **_content(options),
            reply_to=options.reply_to,
            expires_in=options.expires_in,
            idempotency_key=options.key,
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
    complain(f"The message could not be delivered: {delivery['reason'] or 'no reason was given'}.")
    return 1


def _send_lines(client: Client, options: Namespace, screen: Screen) -> int:
    from peerpost.batching import send_lines  # noqa: PLC0415 - a single message needs none of it

    single = (options.data, options.media_type, options.reply_to, options.key, options.wait)
    if not _from_input(options) or any(single):
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


def _content(options: Namespace) -> dict[str, Any]:
    if options.data:
        return {"data": _bytes(options), "media_type": options.media_type or UNKNOWN_MEDIA_TYPE}
    if options.media_type:
        raise UsageError("usage", "--media-type goes with --data.")
    return {"text": _text(options)}


def _text(options: Namespace) -> str:
    content = _bytes(options)
    if _from_input(options):
        content = content.removesuffix(b"\n")
    if b"\0" in content:
        raise UsageError("usage", "The text holds a NUL byte: send it with --data.")
    if not content:
        raise UsageError("usage", "There is nothing to send.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise UsageError("usage", "The text is not UTF-8: send it with --data.") from None


def _bytes(options: Namespace) -> bytes:
    if not _from_input(options):
        return os.fsencode(options.text)
    if sys.stdin is None:  # it was closed before the start
        return b""
    if options.text is None and sys.stdin.isatty():
        raise UsageError("usage", "What is the text? Name it, pipe it in, or say `-` to type it.")
    content = sys.stdin.buffer.read(MAXIMUM_INPUT_BYTES + 1)
    if len(content) > MAXIMUM_INPUT_BYTES:
        raise UsageError("usage", f"A message has at most {MAXIMUM_INPUT_BYTES} bytes.")
    return content


def _from_input(options: Namespace) -> bool:
    return options.text in {None, "-"}
