"""`peerpost search`: find messages by their words."""

from __future__ import annotations

from peerpost.arguments import natural
from peerpost.listing import hit_lines
from peerpost.terminal import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the words, and where to look."""
    parser.add_argument(
        "query",
        metavar="WORD",
        nargs="+",
        help="all of them: a word, 'two words' for a phrase, begin*, or after `--` -without",
    )
    parser.add_argument("--in", dest="channel", metavar="C", help="only in this channel")
    parser.add_argument("--from", dest="sender", metavar="WHO", help="only of this identity")
    parser.add_argument("--after", metavar="TIME", help="sent then or later (2026-11-22T15:00:00Z)")
    parser.add_argument("--before", metavar="TIME", help="sent then or earlier")
    parser.add_argument("--limit", type=natural, metavar="N", help="at most N messages (20)")
    parser.add_argument("--page", metavar="P", help="go on from a page's cursor")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Print what is found, the newest first."""
    found = client.search(
        " ".join(_quoted(word) for word in options.query),
        channel=options.channel,
        sender=options.sender,
        since=options.after,
        until=options.before,
        limit=options.limit,
        page=options.page,
    )
    screen.show(found, *(line for hit in found["hits"] for line in hit_lines(hit)))
    if found["next"] and not screen.as_json:
        complain(f"There are more: --page {found['next']}")
    if not found["complete"] and not screen.as_json:
        complain("Not all messages are in the index yet: ask again in a moment.")


def _quoted(word: str) -> str:
    """Return a phrase for what the shell handed over as one argument."""
    return word if '"' in word or not any(map(str.isspace, word)) else f'"{word}"'
