"""`peerpost link`: make this daemon a further device of an identity, and show the code that approves it."""

from __future__ import annotations

from peerpost.commands import register
from peerpost.commands.verify import write_png
from peerpost.listing import qr_lines
from peerpost.terminal import complain, label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare what registering takes, and where the picture goes."""
    register.arguments(parser)
    parser.add_argument("--png", metavar="FILE", help="write the QR code to a new PNG file")
    with_history = "take in the history that the approving device hands on"
    parser.add_argument("--with-history", action="store_true", help=with_history)


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Link, and say what to do on the other device."""
    linking = client.account_link(
        options.identity,
        token=register.token(options),
        device=options.device,
        relay=options.relay,
        timeout=options.timeout,
        with_history=options.with_history or None,
    )
    if not linking["waiting"]:
        screen.show(
            linking, f"{label(linking['identity'])} is registered: this is its first device"
        )
        return
    if options.png is not None:
        write_png(options.png, linking["png"])
    lines = () if options.png is not None else qr_lines(linking["qr"])
    screen.show(linking, f"code  {label(linking['code'])}", *lines)
    if not screen.as_json:
        wanted = " --with-history" if options.with_history else ""
        complain(
            f"On another device of {linking['identity']}: peerpost devices approve{wanted} CODE"
        )
