"""`peerpost lock`: lock the vault."""

from __future__ import annotations

from peerpost.listing import status_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(_parser: Parser) -> None:
    """Declare nothing."""


def run(client: Client, _options: Namespace, screen: Screen) -> None:
    """Lock the vault; the daemon forgets its keys."""
    status = client.lock()
    screen.show(status, *status_lines(status))
