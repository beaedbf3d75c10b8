"""`peerpost shutdown`: stop the daemon."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(_parser: Parser) -> None:
    """Declare nothing."""


def run(client: Client, _options: Namespace, screen: Screen) -> None:
    """Stop the daemon."""
    screen.show(client.shutdown(), "The daemon is stopping.")
