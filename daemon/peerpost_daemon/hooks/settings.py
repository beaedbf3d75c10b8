"""What the configuration says of a hook."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from peerpost_daemon.errors import DaemonError

MAX_HOOKS: Final = 64
MAX_CONCURRENCY: Final = 32
MAX_SECONDS: Final = 3_600.0

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*\Z", max_length=64)]
_ASKED: Final = re.compile(r"[!-~]*")  # of a request: neither spaces nor controls
Text = Annotated[str, Meta(min_length=1, max_length=4_096)]


class HookSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Be one hook: a program or an address, and the events that are for it."""

    name: Name  # its consumer is hook:NAME
    # the program and its arguments, not read by a shell; the event is JSON on its standard input
    exec: Annotated[tuple[Text, ...], Meta(max_length=64)] = ()
    url: Text | None = None  # or where the event is posted, https:// unless it is this machine
    # a private file with the key that signs what is posted: whsec_ and base64 (Standard Webhooks)
    secret_file: Path | None = None
    kinds: Annotated[tuple[Text, ...], Meta(max_length=16)] = ("message",)  # of events
    channels: Annotated[tuple[Text, ...], Meta(max_length=256)] = ()  # names or ids; none: all
    concurrency: Annotated[int, Meta(ge=1, le=MAX_CONCURRENCY)] = 1  # so many at once
    timeout_seconds: Annotated[float, Meta(gt=0, le=MAX_SECONDS)] = 60.0  # of one try
    max_attempts: Annotated[int, Meta(ge=1, le=1_000)] = 10  # then it is a dead letter

    @property
    def consumer(self) -> str:
        """Return the name under which the vault keeps how far the hook is."""
        return f"hook:{self.name}"


def check(hooks: tuple[HookSettings, ...]) -> None:
    """Raise DaemonError invalid_params for hooks that cannot work."""
    names = [hook.name for hook in hooks]
    for name in names:
        if names.count(name) > 1:
            raise _wrong(name, "there are two of this name")
    for hook in hooks:
        if bool(hook.exec) == bool(hook.url):
            raise _wrong(hook.name, "it needs either exec or url")
        if hook.secret_file is not None and not hook.url:
            raise _wrong(hook.name, "secret_file goes with url")
        if hook.url and not _is_safe(hook.url):
            raise _wrong(hook.name, "url is https://HOST/PATH, or http:// to this machine")


def _is_safe(url: str) -> bool:
    """Tell whether a message may be posted there: not in clear text to another machine."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
        parts.netloc.encode("idna")
    except ValueError:
        return False
    if not _ASKED.fullmatch(parts.path + parts.query):
        return False
    if not parts.hostname or parts.username is not None or parts.password is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong(name: str, said: str) -> DaemonError:
    return DaemonError(
        "invalid_params", f"Configuration: the hook {name!r}: {said}.", field="hooks"
    )
