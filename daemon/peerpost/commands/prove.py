"""`peerpost prove`: prove the identity by a code that the relay mails to it."""

from __future__ import annotations

from peerpost.arguments import seconds
from peerpost.listing import account_lines
from peerpost.terminal import complain, label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the code."""
    parser.add_argument(
        "code", metavar="CODE", nargs="*", help="the code from the mail; without it, one is mailed"
    )
    parser.add_argument(
        "--timeout", type=seconds, metavar="S", help="how long to wait for the relay (10)"
    )


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Bring the code, or ask for one."""
    code = " ".join(options.code) or None
    account = client.account_prove(code=code, timeout=options.timeout)
    screen.show(account, *account_lines(account))
    if code is None and not screen.as_json:
        complain(f"The relay mails a code to {label(account['identity'])}: peerpost prove CODE")
