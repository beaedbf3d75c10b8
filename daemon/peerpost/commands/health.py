"""`peerpost health`: tell what is not as it should be, with an exit code for monitoring.

0 all is well, 1 there are findings, 3 no daemon answers, 4 the vault is locked or there is none.
"""

from __future__ import annotations

from peerpost.errors import LockedError
from peerpost.listing import health_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen

FINDINGS = 1


def arguments(parser: Parser) -> None:
    """Declare nothing."""
    parser.epilog = "exit codes: 0 well, 1 findings, 3 no daemon, 4 locked or no vault"


def run(client: Client, options: Namespace, screen: Screen) -> int:  # noqa: ARG001 - a command's shape
    """Print the findings; say by the exit code whether there are any."""
    health = client.health()
    screen.show(health, *health_lines(health))
    if health["state"] != "ready":
        return LockedError.exit_code
    return 0 if health["well"] else FINDINGS
