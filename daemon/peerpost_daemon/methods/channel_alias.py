"""channel.alias: what a channel is called here, and nowhere else."""

from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta, Struct

from peerpost_daemon import views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.channel_name import channel_name
from peerpost_daemon.methods.params import ChannelParam, the_channel
from peerpost_daemon.records import references
from peerpost_daemon.records.account import Account
from peerpost_daemon.rpc import Call, Method, Scope
from peerpost_daemon.vault.connection import SqlConnection

MAX_ALIAS_CHARACTERS: Final = 64


class Alias(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a channel and its name here; none: its own name again."""

    channel: ChannelParam
    alias: Annotated[str, Meta(min_length=1, max_length=MAX_ALIAS_CHARACTERS)] | None = None


class ChannelAliasMethods:
    """The method that names a channel."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare it."""
        errors = (
            "unknown_channel",
            "ambiguous_channel",
            "alias_taken",
            "storage_full",
            "storage_failed",
        )
        yield Method.of("channel.alias", self.alias, scope=Scope.ADMIN, errors=errors)

    async def alias(self, params: Alias, call: Call) -> views.Channel:  # noqa: ARG002 - a handler's shape
        """Call a channel by another name here; nobody else learns of it, and no other channel can take it."""
        own = self._daemon.account
        return await self._daemon.write(lambda db: _name(db, params, own))


def _name(db: SqlConnection, params: Alias, own: Account) -> views.Channel:
    named = the_channel(db, params.channel)
    alias = None if params.alias is None else _alias(params.alias)
    if alias is not None and (taken := references.has_alias(db, alias, named.id)) is not None:
        message = f"{taken} is called so already."
        raise DaemonError("alias_taken", message, field="alias", extra={"taken_by": taken})
    references.set_alias(db, named.id, alias)
    found = views.channel(db, named.id, own)
    if found is None:
        raise DaemonError("unknown_channel", "The channel is gone.", field="channel")
    return found


def _alias(text: str) -> str:
    """Return the alias as it is kept: never one that could be an identity or an id."""
    alias = channel_name(text)
    if references.looks_like_an_id(alias):
        message = "An alias does not look like an id."
        raise DaemonError("invalid_params", message, field="alias")
    return alias
