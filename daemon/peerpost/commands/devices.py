"""`peerpost devices`: list the devices of this identity, approve a new one, renew this one's keys, remove one."""

from __future__ import annotations

from peerpost.arguments import add_subcommands
from peerpost.errors import UsageError
from peerpost.listing import device_lines
from peerpost.terminal import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen

ACTIONS = {
    "list": "list the devices of this identity, also those that wait",
    "approve": "let the device take part that shows this code",
    "rotate": "give this device fresh keys; contacts that verified it still trust it",
    "remove": "end a device for good: it reads nothing sent from then on",
}
REASONS = ("retired", "lost", "compromised", "unwanted")


def arguments(parser: Parser) -> None:
    """Declare the actions."""
    actions = add_subcommands(parser, ACTIONS)
    actions["approve"].add_argument(
        "code", metavar="CODE", nargs="+", help="the 20 digits, or the QR code's text"
    )
    with_history = "hand the messages that are here on to it, encrypted"
    actions["approve"].add_argument("--with-history", action="store_true", help=with_history)
    add = actions["remove"].add_argument
    add("device", metavar="DEVICE", help="a device's name, or the id of its card")
    add("--reason", choices=REASONS, default="retired", help="why (retired); who reads it is told")


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Do the action."""
    if options.action == "remove":
        shown = client.card_revoke(_card(client, options.device), reason=options.reason)
        screen.show(shown, f"{label(shown['device'])}  {label(shown['state'])}")
        return
    if options.action == "rotate":
        account = client.account_rotate()
        screen.show(account, f"{label(account['device'])}  {label(account['fingerprint'])}")
        return
    if options.action == "approve":
        devices = client.account_approve(
            " ".join(options.code), with_history=options.with_history or None
        )
    else:
        devices = client.account_devices()
    screen.show(devices, *(line for each in devices["devices"] for line in device_lines(each)))


def _card(client: Client, named: str) -> str:
    """Return the id of the one device that has not ended and has this name or id. Raises UsageError."""
    there = [d for d in client.account_devices()["devices"] if d["state"] in {"live", "unendorsed"}]
    fit = [d["card"] for d in there if named in {d["card"], d["device"]}]
    if len(fit) != 1:
        sentence = "No device has that name." if not fit else "Several have that name: use the id."
        raise UsageError("usage", sentence)
    return fit[0]
