"""Presentations that callers ask for: title, priority, tags, mentions, Markdown."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.params import IdentityParam, identities
from peerpost_daemon.views.words import PRIORITIES, Priority
from peerpost_protocol import limits
from peerpost_protocol.content import Presentation

TitleParam = Annotated[str, Meta(max_length=limits.MAX_TITLE_CHARACTERS)]
TagsParam = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=limits.MAX_TAG_CHARACTERS)]],
    Meta(max_length=limits.MAX_TAGS),
]
MentionsParam = Annotated[list[IdentityParam], Meta(max_length=limits.MAX_MENTIONS)]


class Wishes(Struct, frozen=True):
    """Be how a caller wants a message shown."""

    title: str | None
    priority: Priority
    tags: list[str]
    mentions: list[str]
    markdown: bool


def presentation(wishes: Wishes) -> Presentation | None:
    """Return what is asked for, None when that is nothing. Raises DaemonError invalid_params."""
    for text in (wishes.title or "", *wishes.tags):
        if not text.isprintable():
            message = "A title or a tag has no control characters."
            raise DaemonError("invalid_params", message, field="title")
    mentions = identities(wishes.mentions, "mentions")
    priority = PRIORITIES.index(wishes.priority) + 1
    asked = Presentation(
        wishes.title or None, priority, tuple(wishes.tags), tuple(mentions), wishes.markdown
    )
    return None if asked == _PLAIN else asked


_PLAIN: Final = Presentation(None, 3, (), (), markdown=False)
