"""Identities: what a person addresses, `alice@example.org` or `backup@db1.example.org`.

Attacker: somebody who registers an identity that looks like another. Identities are therefore ASCII and lower case on
the wire: `normalise` folds what people type and refuses every other letter, so that two identities that read the same
are the same bytes. Internationalised addresses are refused rather than guessed at.
"""

import re
from typing import Annotated

from msgspec import Meta

from peerpost_protocol.errors import MalformedError
from peerpost_protocol.limits import MAX_IDENTITY_CHARACTERS

_LOCAL = r"[a-z0-9_](?:[a-z0-9_+-]|\.(?=[a-z0-9_+-])){0,63}"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL}){{0,8}}"
_PATTERN = rf"^{_LOCAL}@{_DOMAIN}\Z"

Identity = Annotated[str, Meta(pattern=_PATTERN, min_length=3, max_length=MAX_IDENTITY_CHARACTERS)]
Domain = Annotated[
    str, Meta(pattern=rf"^{_DOMAIN}\Z", min_length=1, max_length=MAX_IDENTITY_CHARACTERS - 2)
]
_identity = re.compile(_PATTERN)


def normalise(text: str, *, field: str = "identity") -> str:
    """Return the identity in its one written form; raise MalformedError when it has none."""
    folded = text.strip().lower() if text.isascii() else text
    if len(folded) > MAX_IDENTITY_CHARACTERS or not _identity.match(folded):
        raise MalformedError(
            "bad_identity",
            "an identity is an ASCII e-mail address such as alice@example.org",
            field=field,
        )
    return folded
