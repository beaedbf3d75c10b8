"""`peerpost register`: make this daemon's card and publish it at the relay."""

from __future__ import annotations

from peerpost import secret_sources
from peerpost.arguments import natural, seconds
from peerpost.errors import UsageError
from peerpost.listing import account_lines
from peerpost.terminal import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the identity, the relay, and where the token comes from."""
    parser.add_argument("identity", metavar="IDENTITY", help="such as alice@example.org")
    tokens = parser.add_mutually_exclusive_group()
    tokens.add_argument("--token", metavar="-", help="`-`: read the token from standard input")
    tokens.add_argument(
        "--token-fd", type=natural, metavar="N", help="read the token from the file descriptor N"
    )
    tokens.add_argument(
        "--token-file",
        metavar="FILE",
        help="read the token from FILE, which its owner alone may read",
    )
    parser.add_argument("--device", metavar="NAME", help="the name of this device")
    parser.add_argument("--relay", metavar="URL", help="the relay, if not the configured one")
    parser.add_argument(
        "--timeout", type=seconds, metavar="S", help="how long to wait for the relay (10)"
    )


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Register; without the relay, the daemon goes on by itself."""
    account = client.register(
        options.identity,
        token=token(options),
        device=options.device,
        relay=options.relay,
        timeout=options.timeout,
    )
    screen.show(account, *account_lines(account))
    if account["state"] == "pending" and not screen.as_json:
        complain("The relay is out of reach; the daemon goes on trying.")


def token(options: Namespace) -> str | None:
    """Return the token from where the options say. Raises UsageError."""
    if options.token_fd is not None:
        return secret_sources.from_descriptor(options.token_fd)
    if options.token_file is not None:
        return secret_sources.from_file(options.token_file)
    if options.token is None:
        return None
    if options.token != "-":  # noqa: S105 - a mark, not a token
        raise UsageError(
            "usage", "A token on the command line can be seen by others: use --token -"
        )
    return secret_sources.from_input("Token")
