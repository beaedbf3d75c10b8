"""The command `peerpost-relay`: serve, and look after tokens, cards and channels.

The administration works on the data folder, while a relay serves it or not. Exit codes: 0 done,
1 failed, 2 wrong usage.
"""

import argparse
import re
import sys
from pathlib import Path

from peerpost_protocol.errors import ProtocolError
from peerpost_relay import administration as admin
from peerpost_relay.errors import RelayError
from peerpost_relay.process import Serving, serve
from peerpost_relay.settings import EdgeSettings, RelaySettings

DEFAULT_LISTEN = "127.0.0.1:8437"

_SPAN = re.compile(r"(\d{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser().parse_args(arguments)
    try:
        asked.run(asked)
    except (RelayError, ProtocolError, OSError) as error:
        print(f"peerpost-relay: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(prog="peerpost-relay", description="The relay of peerpost.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="serve a data folder"))
    tokens = commands.add_parser("token", help="permissions to publish cards").add_subparsers(
        required=True, metavar="ACTION"
    )
    _add_token_create(tokens.add_parser("create", help="make a token and print it, once"))
    _add_list(tokens.add_parser("list", help="list tokens"), admin.list_tokens)
    _add_token_revoke(tokens.add_parser("revoke", help="end a token"))
    cards = commands.add_parser("card", help="the directory").add_subparsers(
        required=True, metavar="ACTION"
    )
    _add_list(cards.add_parser("list", help="list cards"), admin.list_cards)
    _add_card_revoke(cards.add_parser("revoke", help="end a card"))
    channels = commands.add_parser("channel", help="channels").add_subparsers(
        required=True, metavar="ACTION"
    )
    _add_list(channels.add_parser("list", help="list channels"), admin.list_channels)
    return top


def _add_serve(command: argparse.ArgumentParser) -> None:
    _add_data(command)
    command.add_argument(
        "--listen",
        type=_address,
        default=DEFAULT_LISTEN,
        metavar="HOST:PORT",
        help="where to listen, unless a service manager passes sockets on; port 0: any free one; "
        "unix:/path: a socket (default: %(default)s)",
    )
    command.add_argument("--log-format", choices=("text", "json"), default="text")
    command.add_argument(
        "--allow-without-token", action="store_true", help="take cards from anybody"
    )
    for option, field, what in _QUOTAS:
        command.add_argument(
            option, type=_count, metavar="N", dest=field, help=f"{what} (default: %(default)s)",
            default=getattr(RelaySettings(), field),
        )  # fmt: skip
    command.set_defaults(run=_serve)


def _add_token_create(command: argparse.ArgumentParser) -> None:
    _add_data(command)
    command.add_argument(
        "--identity", required=True, metavar="PATTERN", help="an identity; * stands for anything"
    )
    command.add_argument("--expires", type=_span, metavar="SPAN", help="such as 12h, 30d or 8w")
    command.add_argument("--uses", type=_count, metavar="N", help="for so many cards")
    command.set_defaults(
        run=lambda a: admin.create_token(a.data, a.identity, a.expires, a.uses),
    )


def _add_token_revoke(command: argparse.ArgumentParser) -> None:
    _add_data(command)
    command.add_argument("number", type=_count, help="the token's number in the list")
    command.set_defaults(run=lambda a: admin.revoke_token(a.data, a.number))


def _add_card_revoke(command: argparse.ArgumentParser) -> None:
    _add_data(command)
    command.add_argument("card", type=_card_id, help="the card's id, 64 hexadecimal digits")
    command.set_defaults(run=lambda a: admin.revoke_card(a.data, a.card))


def _add_list(command: argparse.ArgumentParser, run: admin.Listing) -> None:
    _add_data(command)
    command.set_defaults(run=lambda a: run(a.data))


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="the relay's data folder"
    )


_QUOTAS = (
    ("--writes-per-second", "writes_per_second", "writes of one card in a second"),
    ("--write-bytes-per-second", "write_bytes_per_second", "their bytes"),
    ("--sessions-per-card", "sessions_per_card_max", "sessions of one card"),
    ("--sessions-per-address", "sessions_per_address_max", "sessions of one address"),
    ("--channel-bytes", "channel_bytes_max", "stored envelopes of one channel, in bytes"),
    ("--identity-bytes", "identity_bytes_max", "stored envelopes of one identity, in bytes"),
)


def _serve(asked: argparse.Namespace) -> None:
    host, port = asked.listen
    quotas = {field: getattr(asked, field) for _, field, _ in _QUOTAS}
    settings = RelaySettings(require_token=not asked.allow_without_token, **quotas)
    serve(Serving(asked.data, host, port, asked.log_format, settings, EdgeSettings()))


def _address(text: str) -> tuple[str, int]:
    if text.startswith("unix:"):
        return text, 0
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise argparse.ArgumentTypeError("HOST:PORT or unix:/path is expected")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _span(text: str) -> int:
    """Return a span of time in ms."""
    found = _SPAN.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError("a number and s, m, h, d or w is expected")
    return int(found[1]) * _SECONDS[found[2]] * 1_000


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError("a positive number is expected")
    return int(text)


def _card_id(text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError("64 hexadecimal digits are expected")
    return bytes.fromhex(text)
