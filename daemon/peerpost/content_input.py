"""What a command is to send: arguments or standard input, and how it wants to be shown."""

from __future__ import annotations

import os
import sys

from peerpost.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from peerpost.arguments import Parser

UNKNOWN_MEDIA_TYPE = "application/octet-stream"
MAXIMUM_INPUT_BYTES = 8 * 1024 * 1024  # far above what a daemon takes; it names its own limit
PRIORITIES = ("min", "low", "default", "high", "max")


def declare_content(parser: Parser) -> None:
    """Declare the text, or the data."""
    parser.add_argument(
        "text",
        metavar="TEXT",
        nargs="?",
        help="the text; without it, or with `-`, standard input (one final newline is dropped)",
    )
    parser.add_argument("--data", action="store_true", help="send bytes exactly as they are")
    parser.add_argument("--media-type", metavar="T", help="what the data is, such as image/png")


def declare_presentation(parser: Parser) -> None:
    """Declare how it wants to be shown."""
    parser.add_argument("--title", metavar="T", help="a line above the message")
    parser.add_argument("--priority", choices=PRIORITIES, help="how urgent it is (default)")
    parser.add_argument("--tag", action="append", metavar="T", help="a tag; repeatable")
    parser.add_argument(
        "--mention", action="append", metavar="WHO", help="whom it concerns; repeatable"
    )
    parser.add_argument("--markdown", action="store_true", help="the text may be read as Markdown")


def presentation(options: Namespace) -> dict[str, Any]:
    """Return the parameters that say how it wants to be shown."""
    return {
        "title": options.title,
        "priority": options.priority,
        "tags": options.tag,
        "mentions": options.mention,
        "markdown": options.markdown or None,
    }


def content(options: Namespace) -> dict[str, Any]:
    """Return the parameters that say what is sent; raise UsageError."""
    if options.data:
        return {"data": _bytes(options), "media_type": options.media_type or UNKNOWN_MEDIA_TYPE}
    if options.media_type:
        raise UsageError("usage", "--media-type goes with --data.")
    return {"text": text(options)}


def text(options: Namespace) -> str:
    """Return the text that was given, or standard input; raise UsageError."""
    given = _bytes(options)
    if from_input(options):
        given = given.removesuffix(b"\n")
    if b"\0" in given:
        raise UsageError("usage", "The text holds a NUL byte: send it with --data.")
    if not given:
        raise UsageError("usage", "There is nothing to send.")
    try:
        return given.decode()
    except UnicodeDecodeError:
        raise UsageError("usage", "The text is not UTF-8: send it with --data.") from None


def _bytes(options: Namespace) -> bytes:
    if not from_input(options):
        return os.fsencode(options.text)
    if sys.stdin is None:  # it was closed before the start
        return b""
    if options.text is None and sys.stdin.isatty():
        raise UsageError("usage", "What is the text? Name it, pipe it in, or say `-` to type it.")
    content = sys.stdin.buffer.read(MAXIMUM_INPUT_BYTES + 1)
    if len(content) > MAXIMUM_INPUT_BYTES:
        raise UsageError("usage", f"A message has at most {MAXIMUM_INPUT_BYTES} bytes.")
    return content


def from_input(options: Namespace) -> bool:
    """Tell whether standard input is meant."""
    return options.text in {None, "-"}
