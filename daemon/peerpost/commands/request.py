"""`peerpost request`: ask, and print the answers."""

from __future__ import annotations

from peerpost.arguments import natural, seconds
from peerpost.content_input import content, declare_content, declare_presentation, presentation
from peerpost.errors import TimeoutWaitingError
from peerpost.listing import body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare whom to ask, what, and how long to wait for how many."""
    parser.add_argument("to", metavar="TO", help="an identity, or a channel's name or id")
    declare_content(parser)
    declare_presentation(parser)
    parser.add_argument(
        "--responses", type=natural, metavar="N", help="wait for the answers of N identities (1)"
    )
    parser.add_argument("--timeout", type=seconds, metavar="S", help="how long to wait (30)")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Ask, and print what was answered; those that came in time also when others did not (code 5)."""
    receiver = "to" if "@" in options.to else "channel"
    try:
        delivery = client.send(
            **{receiver: options.to},
            **content(options),
            **presentation(options),
            expect_reply=True,
            responses=options.responses,
            timeout=options.timeout,
        )
    except TimeoutWaitingError as error:
        for answer in error.data.get("answers", ()):
            screen.show(answer, body(answer))
        raise
    for answer in delivery["answers"]:
        screen.show(answer, body(answer))
