"""`peerpost join`: from a relay's invitation to a daemon that can send: make or open the vault, register."""

from __future__ import annotations

from peerpost import invitation, secret_sources
from peerpost.arguments import seconds
from peerpost.commands.unlock import add_passphrase_sources, passphrase
from peerpost.listing import account_lines
from peerpost.terminal import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the invitation, the identity, and where the passphrase comes from."""
    parser.add_argument(
        "invitation",
        metavar="URI",
        nargs="?",
        default="-",
        help="from peerpost-relay invite; it holds a token, and others on this machine can see a command line: "
        "`-`, or nothing, reads it from standard input or asks for it",
    )
    parser.add_argument(
        "--as", dest="identity", metavar="IDENTITY", required=True, help="such as bob@example.org"
    )
    parser.add_argument("--device", metavar="NAME", help="the name of this device")
    parser.add_argument(
        "--timeout", type=seconds, metavar="S", help="how long to wait for the relay (10)"
    )
    add_passphrase_sources(parser)


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Join; a vault that is there is opened, and one that is open stays so."""
    found = invitation.read(_given(options.invitation))
    _open(client, options)
    account = client.register(
        options.identity,
        token=found.token,
        device=options.device,
        relay=found.relay,
        relay_key=found.key,
        timeout=options.timeout,
    )
    screen.show(account, *account_lines(account))
    if account["state"] == "pending" and not screen.as_json:
        complain("The relay is out of reach; the daemon goes on trying.")


def _given(argument: str) -> str:
    if argument == "-":
        return secret_sources.from_input("Invitation")
    complain("Others on this machine may have seen the invitation: `peerpost join -` asks for it.")
    return argument


def _open(client: Client, options: Namespace) -> None:
    state = client.status()["state"]
    if state != "ready":
        new = state == "no_vault"
        client.unlock(passphrase(options, twice=new), create=new)
