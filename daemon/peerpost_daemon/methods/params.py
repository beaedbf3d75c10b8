"""What parameters of several methods have in common: their types, and how they are read.

Every reader raises DaemonError invalid_params naming the field.
"""

from collections.abc import Iterable
from typing import Annotated, Final

from msgspec import Meta, Struct

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import references
from peerpost_daemon.records.references import Named
from peerpost_daemon.records.within import EVERYWHERE, Within
from peerpost_daemon.rpc import Call, Scope
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol import limits
from peerpost_protocol.errors import MalformedError
from peerpost_protocol.identity import normalise

MAX_TIMEOUT_SECONDS: Final = 86_400
MAX_CONSUMER_CHARACTERS: Final = 128
MAX_REFERENCE_CHARACTERS: Final = 254  # an identity is the longest

IdentityParam = Annotated[str, Meta(max_length=limits.MAX_IDENTITY_CHARACTERS)]
ChannelParam = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_REFERENCE_CHARACTERS,
        description="an id, at least 8 digits an id begins with, or the name of one channel",
    ),
]
CardParam = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}\Z", max_length=64)]
MessageParam = Annotated[str, Meta(max_length=45, description="a UUID")]
ConsumerParam = Annotated[str, Meta(min_length=1, max_length=MAX_CONSUMER_CHARACTERS)]
MembersParam = Annotated[list[IdentityParam], Meta(max_length=limits.MAX_MEMBERS)]
Timeout = Annotated[float, Meta(ge=0, le=MAX_TIMEOUT_SECONDS, description="seconds")]
CursorParam = Annotated[int, Meta(ge=0, le=limits.MAX_COUNTER)]


class NoParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Take no parameters."""


def identity(text: str, field: str = "identity") -> str:
    """Return the identity in its one written form."""
    try:
        return normalise(text, field=field)
    except MalformedError as error:
        sentence = f"{error.detail[:1].upper()}{error.detail[1:]}."
        raise DaemonError("invalid_params", sentence, field=field) from None


def identities(texts: Iterable[str], field: str = "members") -> list[str]:
    """Return the identities in their written form, each once, in their order."""
    return list(dict.fromkeys(identity(text, field) for text in texts))


def allowed(call: Call, scope: Scope) -> Within:
    """Return the channels for which a caller has a scope."""
    return Within(call.rights.channels(scope))


def the_channel(
    db: SqlConnection, reference: str, field: str = "channel", within: Within = EVERYWHERE
) -> Named:
    """Return the channel a reference means.

    Raises DaemonError unknown_channel, ambiguous_channel, and forbidden for what is not within, there or not.
    """
    found = references.matching(db, reference)
    if (ids := within.ids(db)) is not None:
        found = [each for each in found if each.id in ids]
        if not found:
            message = "This caller may not use that channel."
            raise DaemonError("forbidden", message, field=field)
    return one_of(found, field)


def one_of(found: list[Named], field: str) -> Named:
    """Return the only one of the channels that a reference may mean; raise DaemonError."""
    if not found:
        raise DaemonError("unknown_channel", "No channel has that id or name.", field=field)
    if len(found) > 1:
        candidates = [{"channel": each.id.hex(), "name": each.name} for each in found]
        message = f"{len(found)} channels fit; use an id."
        extra = {"candidates": candidates}
        raise DaemonError("ambiguous_channel", message, field=field, extra=extra)
    return found[0]
