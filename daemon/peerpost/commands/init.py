"""`peerpost init`: make the encrypted vault and unlock it."""

from __future__ import annotations

from peerpost.commands.unlock import add_passphrase_sources, passphrase
from peerpost.listing import status_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare where the passphrase comes from."""
    add_passphrase_sources(parser)


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Make the vault; fail when there is one."""
    status = client.unlock(passphrase(options, twice=True), create=True)
    screen.show(status, *status_lines(status))
