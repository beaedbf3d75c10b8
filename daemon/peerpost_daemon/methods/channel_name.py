"""How names, topics and aliases are read: one line that shows what it is."""

import unicodedata

from peerpost_daemon.errors import DaemonError
from peerpost_protocol import limits
from peerpost_protocol.roster import hides


def shown(text: str, field: str, limit: int) -> str:
    """Return the text as it is kept. Raises DaemonError invalid_params."""
    kept = unicodedata.normalize("NFC", text).strip()
    if hides(kept) or any(unicodedata.category(letter)[0] == "C" for letter in kept):
        raise DaemonError("invalid_params", f"The {field} holds what nobody sees.", field=field)
    if len(kept) > limit:
        sentence = f"The {field} has at most {limit} characters."
        raise DaemonError("invalid_params", sentence, field=field)
    return kept


def channel_name(text: str) -> str:
    """Return a channel's name as it is kept: never one that could be an identity."""
    name = shown(text, "name", limits.MAX_CHANNEL_NAME_CHARACTERS)
    if not name or "@" in name:
        message = "A channel's name has at least one letter and no @: that is for identities."
        raise DaemonError("invalid_params", message, field="name")
    return name
