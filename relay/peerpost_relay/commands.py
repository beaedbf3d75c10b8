"""The command `peerpost-relay`: serve, and look after tokens, cards and channels.

The administration works on the data folder, while a relay serves it or not. Exit codes: 0 done,
1 failed, 2 wrong usage.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

from peerpost_protocol import configuration
from peerpost_protocol.errors import ProtocolError
from peerpost_protocol.statement import Reason
from peerpost_relay import administration as admin
from peerpost_relay import copies, invitations
from peerpost_relay.configuration import RelayConfiguration, address_of, configured
from peerpost_relay.errors import ConfigurationError, RelayError
from peerpost_relay.process import Serving, serve
from peerpost_relay.settings import RelaySettings
from peerpost_relay.store import RateClass
from peerpost_relay.version import VERSION

FAILED = 1
USAGE = 2
EXAMPLE = (
    "The configuration of peerpost-relay. Options and environment variables (PEERPOST_RELAY_ and the "
    "setting's name in capitals) win over it. Every line that begins with # and a name is the default."
)

_SPAN = re.compile(r"(\d{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser().parse_args(arguments)
    try:
        code: int | None = asked.run(asked)
    except (RelayError, ProtocolError, OSError) as error:
        print(f"peerpost-relay: {error}", file=sys.stderr)  # noqa: T201
        return USAGE if isinstance(error, ConfigurationError) else FAILED
    return code or 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="peerpost-relay",
        description="The relay of peerpost.",
        epilog="Exit codes: 0 done, 1 failed, 2 wrong usage.",
    )
    top.add_argument("--version", action="version", version=VERSION)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="serve a data folder"))
    tokens = commands.add_parser("token", help="permissions to publish cards").add_subparsers(
        required=True, metavar="ACTION"
    )
    _add_token_create(tokens.add_parser("create", help="make a token and print it, once"))
    _add_list(tokens.add_parser("list", help="list tokens"), admin.list_tokens)
    _add_token_revoke(tokens.add_parser("revoke", help="end a token"))
    _add_invite(commands.add_parser("invite", help="print an invitation for `peerpost join`"))
    cards = commands.add_parser("card", help="the directory").add_subparsers(
        required=True, metavar="ACTION"
    )
    _add_list(cards.add_parser("list", help="list cards"), admin.list_cards)
    _add_card_revoke(cards.add_parser("revoke", help="end a card"))
    channels = commands.add_parser("channel", help="channels").add_subparsers(
        required=True, metavar="ACTION"
    )
    _add_list(channels.add_parser("list", help="list channels"), admin.list_channels)
    _add_backup(commands.add_parser("backup", help="copy the store and the key to one file"))
    _add_restore(commands.add_parser("restore", help="make a data folder of a backup"))
    _add_doctor(
        commands.add_parser(
            "doctor",
            help="look at everything thoroughly, and tell what to do",
            epilog="Exit codes: 0 all is well, 1 something is not, 2 wrong usage or configuration.",
        )
    )
    return top


def _add_serve(command: argparse.ArgumentParser) -> None:
    _add_data(command)
    add = command.add_argument
    _add_listen(
        command,
        "where to listen, unless a service manager passes sockets on; port 0: any free one; "
        "unix:/path: a socket; may be given several times (default: 127.0.0.1:8437)",
    )
    add("--log-format", choices=("text", "json"))
    add("--allow-unverified", action="store_true", help="take cards from anybody")
    add("--allow-without-token", action="store_true", help=argparse.SUPPRESS)  # its former name
    for option, field, what in _QUOTAS:
        default = getattr(RelaySettings(), field)
        help_ = f"{what} (default: {default})"
        add(option, type=_count, metavar="N", dest=field, help=help_)
    _add_set(command)
    add("--check-config", action="store_true", help="read the configuration, say whether it holds")
    add("--example-config", action="store_true", help="print a file with every setting")
    command.set_defaults(run=_serve)


def _add_listen(command: argparse.ArgumentParser, help_: str) -> None:
    command.add_argument(
        "--listen", action="append", default=[], type=_address, metavar="HOST:PORT", help=help_
    )


def _add_set(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assigned",
        metavar="SETTING=VALUE",
        help="any setting of the configuration file, such as edge.origins=[]",
    )


def _add_token_create(command: argparse.ArgumentParser) -> None:
    _add_data(command)
    _add_permission(command)
    command.set_defaults(run=lambda a: admin.create_token(_folder(a), _permission(a)))


def _add_invite(command: argparse.ArgumentParser) -> None:
    _add_data(command)
    _add_permission(command)
    command.add_argument(
        "--address",
        metavar="URL",
        help="where daemons reach this relay, such as wss://relay.example.org (default: the setting `address`)",
    )
    command.add_argument(
        "--png", type=Path, metavar="FILE", help="write the QR code to a new file, too"
    )
    command.set_defaults(run=_invite)


def _invite(asked: argparse.Namespace) -> None:
    address = asked.address or _configured(asked, []).address
    if address is None:
        raise ConfigurationError(
            "where daemons reach this relay is not named: --address, or `address` in the configuration"
        )
    invitations.invite(_folder(asked), address, _permission(asked), asked.png)


def _add_permission(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--identity", required=True, metavar="PATTERN", help="an identity; * stands for anything"
    )
    command.add_argument("--expires", type=_span, metavar="SPAN", help="such as 12h, 30d or 8w")
    command.add_argument("--uses", type=_count, metavar="N", help="for so many cards")
    command.add_argument(
        "--rate",
        choices=[str(each) for each in RateClass],
        default=str(RateClass.FULL),
        help="how fast their cards may write: all that the relay allows, a tenth, a hundredth",
    )


def _permission(asked: argparse.Namespace) -> admin.Permission:
    return admin.Permission(asked.identity, asked.expires, asked.uses, RateClass(asked.rate))


def _add_token_revoke(command: argparse.ArgumentParser) -> None:
    _add_data(command)
    command.add_argument("number", type=_count, help="the token's number in the list")
    command.set_defaults(run=lambda a: admin.revoke_token(_folder(a), a.number))


def _add_card_revoke(command: argparse.ArgumentParser) -> None:
    _add_data(command)
    command.add_argument("card", type=_card_id, help="the card's id, 64 hexadecimal digits")
    command.add_argument(
        "--reason",
        choices=[str(each) for each in Reason],
        default=str(Reason.UNSPECIFIED),
        help="what everybody is told (default: %(default)s)",
    )
    command.set_defaults(run=lambda a: admin.revoke_card(_folder(a), a.card, Reason(a.reason)))


def _add_backup(command: argparse.ArgumentParser) -> None:
    _add_data(command)
    command.add_argument("--to", type=Path, required=True, metavar="FILE", help="a new file")
    command.set_defaults(run=lambda a: copies.back_up(_folder(a), a.to))


def _add_restore(command: argparse.ArgumentParser) -> None:
    _add_data(command)
    command.add_argument(
        "--from", dest="source", type=Path, required=True, metavar="FILE", help="the backup"
    )
    command.set_defaults(run=lambda a: copies.restore(a.source, _folder(a)))


def _add_doctor(command: argparse.ArgumentParser) -> None:
    _add_data(command)
    _add_listen(command, "where the relay is listening, if not where the configuration says")
    _add_set(command)
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=_doctor)


def _doctor(asked: argparse.Namespace) -> int:
    settings = _configured(asked, [*_listening(asked), *asked.assigned])
    return admin.examine(_data_of(settings), settings, as_json=asked.json)


def _add_list(command: argparse.ArgumentParser, run: admin.Listing) -> None:
    _add_data(command)
    command.set_defaults(run=lambda a: run(_folder(a)))


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, metavar="DIR", help="the relay's data folder")
    command.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the configuration (default: $PEERPOST_RELAY_CONFIG or /etc/peerpost/relay.toml)",
    )


_QUOTAS = (
    ("--writes-per-second", "writes_per_second", "writes of one card in a second"),
    ("--write-bytes-per-second", "write_bytes_per_second", "their bytes"),
    ("--sessions-per-card", "sessions_per_card_max", "sessions of one card"),
    ("--sessions-per-address", "sessions_per_address_max", "sessions of one address"),
    ("--channel-bytes", "channel_bytes_max", "stored envelopes of one channel, in bytes"),
    ("--blob-bytes", "blob_bytes_max", "one file, encrypted, in bytes"),
    ("--identity-blob-bytes", "identity_blob_bytes_max", "files that an identity uploaded"),
    ("--channel-blob-bytes", "channel_blob_bytes_max", "files of one channel"),
    ("--store-blob-bytes", "store_blob_bytes_max", "all files"),
    ("--blob-free-bytes", "blob_free_bytes_min", "of the disk that files leave free"),
    ("--blob-keep-seconds", "blob_keep_seconds", "that a file is kept at most"),
    ("--identity-bytes", "identity_bytes_max", "stored envelopes of one identity, in bytes"),
)


def _serve(asked: argparse.Namespace) -> None:
    if asked.example_config:
        print(configuration.example(RelayConfiguration, EXAMPLE), end="")  # noqa: T201
        return

    def read() -> RelayConfiguration:
        return _configured(asked, _assigned(asked))

    settings = read()
    if asked.check_config:
        print("the configuration holds")  # noqa: T201
        return
    serve(Serving(_data_of(settings), settings, read))


def _configured(asked: argparse.Namespace, assigned: list[str]) -> RelayConfiguration:
    if asked.data is not None:
        assigned = [*assigned, f"data={asked.data}"]
    return configured(asked.config, assigned, os.environ)


def _assigned(asked: argparse.Namespace) -> list[str]:
    """Return what `serve`'s options say of settings."""
    assigned = [f"relay.{f}={getattr(asked, f)}" for _, f, _ in _QUOTAS if getattr(asked, f)]
    assigned += _listening(asked)
    if asked.log_format:
        assigned.append(f"log_format={asked.log_format}")
    if asked.allow_unverified or asked.allow_without_token:
        assigned.append("relay.allow_unverified=true")
    return assigned + list(asked.assigned)


def _listening(asked: argparse.Namespace) -> list[str]:
    return [f"listen={json.dumps(asked.listen)}"] if asked.listen else []


def _folder(asked: argparse.Namespace) -> Path:
    """Return the data folder that an administrative command is for."""
    return asked.data or _data_of(_configured(asked, []))


def _data_of(settings: RelayConfiguration) -> Path:
    if settings.data is None:
        raise ConfigurationError(
            "the data folder is not named: --data, or `data` in the configuration"
        )
    return settings.data


def _address(text: str) -> str:
    try:
        address_of(text)
    except ConfigurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


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
