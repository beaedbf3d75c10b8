"""`peerpost channel`: create, list, show, change or leave channels."""

from __future__ import annotations

from peerpost.arguments import add_subcommands, seconds
from peerpost.errors import UsageError
from peerpost.listing import channel_line, channel_lines, request_line
from peerpost.terminal import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.terminal import Screen
    from peerpost.types import Channel

ACTIONS = {
    "create": "create a channel",
    "list": "list the channels",
    "show": "show a channel and its members",
    "add": "add members",
    "remove": "remove members",
    "leave": "leave a channel",
    "role": "give a member another role",
    "rename": "give a channel another name, for all members",
    "topic": "say what a channel is about",
    "policy": "say who may post and add, and how long messages are kept",
    "ban": "remove members and let nobody add them again",
    "unban": "lift bans",
    "requests": "list what others have added this daemon to, unanswered",
    "accept": "take a channel that was a request",
    "decline": "decline a request and leave its channel",
    "consent": "say who may add this daemon unasked",
    "alias": "call a channel by another name here",
}
ROLES = ("owner", "admin", "member", "reader")
CONSENTS = ("contacts", "anyone", "nobody")
_WITHOUT_CHANNEL = ("list", "requests", "consent")
_WITH_MEMBERS = {"create": "*", "add": "+", "remove": "+", "ban": "+", "unban": "+"}


def arguments(parser: Parser) -> None:
    """Declare the actions."""
    actions = add_subcommands(parser, ACTIONS)
    for name, action in actions.items():
        if name not in _WITHOUT_CHANNEL:
            meaning = "its name" if name == "create" else "its name or id"
            action.add_argument("channel", metavar="CHANNEL", help=meaning)
        if name in _WITH_MEMBERS:
            count = _WITH_MEMBERS[name]
            action.add_argument("members", metavar="IDENTITY", nargs=count, help="the members")
    actions["add"].add_argument("--role", choices=ROLES[1:], help="what they may do (member)")
    actions["role"].add_argument("identity", metavar="IDENTITY", help="the member")
    actions["role"].add_argument("role", choices=ROLES, help="the new role")
    actions["rename"].add_argument("name", metavar="NAME", help="the new name")
    actions["topic"].add_argument("topic", metavar="TEXT", help="the new topic; empty: none")
    _declare_policies(actions["policy"])
    actions["decline"].add_argument("--block", action="store_true", help="block the inviter too")
    actions["consent"].add_argument(
        "--direct", choices=CONSENTS, help="who may begin a conversation"
    )
    actions["consent"].add_argument("--groups", choices=CONSENTS, help="who may add to channels")
    actions["alias"].add_argument(
        "alias", metavar="NAME", nargs="?", help="without it: its own name"
    )


def _declare_policies(parser: Parser) -> None:
    parser.add_argument("--post", choices=("admin", "member"), help="the least role that may post")
    parser.add_argument("--add", choices=("admin", "member"), help="the least role that may add")
    parser.add_argument(
        "--expire-after",
        type=_expiry,
        metavar="S",
        help="how long messages are kept, such as 7d; `never`: for good",
    )


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Do the action, and print the channel as it is then."""
    if options.action in _ANSWERS:
        _ANSWERS[options.action](client, options, screen)
    else:
        channel = _CHANGES[options.action](client, options)
        screen.show(channel, *channel_lines(channel))


def _list(client: Client, _options: Namespace, screen: Screen) -> None:
    channels = client.channel_list()
    screen.show(channels, *map(channel_line, channels["channels"]))


def _requests(client: Client, _options: Namespace, screen: Screen) -> None:
    requests = client.channel_requests()
    screen.show(requests, *map(request_line, requests["requests"]))


def _decline(client: Client, options: Namespace, screen: Screen) -> None:
    declined = client.channel_decline(options.channel, block=options.block)
    blocked = f"; {label(declined['inviter'])} is blocked now" if declined["blocked"] else ""
    screen.show(declined, f"{label(declined['channel'][:12])} is declined{blocked}")


def _consent(client: Client, options: Namespace, screen: Screen) -> None:
    consent = client.channel_consent(direct=options.direct, groups=options.groups)
    line = f"direct {label(consent['direct'])}, groups {label(consent['groups'])}"
    screen.show(consent, line)


def _policy(client: Client, options: Namespace) -> Channel:
    if options.post is options.add is options.expire_after is None:
        raise UsageError("usage", "Which policy? Give --post, --add or --expire-after.")
    return client.channel_policy(
        options.channel, post=options.post, add=options.add, expire_after=options.expire_after
    )


def _expiry(text: str) -> float:
    return 0.0 if text == "never" else seconds(text)


_CHANGES: dict[str, Callable[[Client, Namespace], Channel]] = {
    "create": lambda client, o: client.channel_create(o.channel, o.members),
    "show": lambda client, o: client.channel_show(o.channel),
    "add": lambda client, o: client.channel_add(o.channel, o.members, role=o.role),
    "remove": lambda client, o: client.channel_remove(o.channel, o.members),
    "leave": lambda client, o: client.channel_leave(o.channel),
    "role": lambda client, o: client.channel_role(o.channel, o.identity, o.role),
    "rename": lambda client, o: client.channel_rename(o.channel, o.name),
    "topic": lambda client, o: client.channel_topic(o.channel, o.topic),
    "policy": _policy,
    "ban": lambda client, o: client.channel_ban(o.channel, o.members),
    "unban": lambda client, o: client.channel_unban(o.channel, o.members),
    "accept": lambda client, o: client.channel_accept(o.channel),
    "alias": lambda client, o: client.channel_alias(o.channel, o.alias),
}
_ANSWERS: dict[str, Callable[[Client, Namespace, Screen], None]] = {
    "list": _list,
    "requests": _requests,
    "decline": _decline,
    "consent": _consent,
}
