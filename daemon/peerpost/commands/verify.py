"""`peerpost verify`: show the safety number of a contact, or confirm the one that its owner has read out."""

from __future__ import annotations

from peerpost.errors import UsageError
from peerpost.listing import contact_lines, qr_lines
from peerpost.terminal import complain, label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen


def arguments(parser: Parser) -> None:
    """Declare the identity, and where the other side's number comes from."""
    parser.add_argument("identity", metavar="IDENTITY", help="the contact")
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--match", metavar="NUMBER", help="the 60 digits that the other side sees")
    given.add_argument(
        "--scan",
        metavar="FILE",
        help="a picture of the other side's QR code (PNG, JPEG), or the code's text",
    )
    parser.add_argument("--png", metavar="FILE", help="write the QR code to a new PNG file")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Show the number, or confirm it."""
    number = options.match if options.scan is None else _scanned(options.scan)
    if number is not None:
        contact = client.contact_verify(options.identity, number)
        screen.show(contact, *contact_lines(contact))
        return
    shown = client.contact_safety_number(options.identity)
    if options.png is not None:
        write_png(options.png, shown["png"])
    lines = () if options.png is not None else qr_lines(shown["qr"])
    screen.show(
        shown,
        f"{label(shown['identity'])}  {label(shown['state'])}",
        f"  {label(shown['safety_number'])}",
        *lines,
    )
    if not screen.as_json and shown["state"] != "verified":
        complain("If the other side sees the same number, confirm it with --match.")


def _scanned(path: str) -> str:
    from peerpost.scanning import scanned  # noqa: PLC0415 - rarely needed

    return scanned(path)


def write_png(path: str, encoded: str) -> None:
    """Write a picture to a file that is not there yet. Raises UsageError."""
    from binascii import a2b_base64  # noqa: PLC0415 - rarely needed

    try:
        with open(path, "xb") as file:  # noqa: PTH123  pathlib would cost start-up
            file.write(a2b_base64(encoded))
    except OSError as error:
        raise UsageError("usage", f"{path} cannot be written: {error.strerror}.") from None
