"""Search queries: what people type, and what the index is asked.

    disk full            both words, in any order
    "disk full"          these words, one after the other
    back*                words that begin so; at least two characters
    -test                without this word

Nothing else means anything: every word goes to the index as a quoted string, so no query can be a statement of another
language, and what people type cannot be wrong in more ways than the two that `compiled` names.
"""

import re
from typing import Final

from msgspec import Struct

MAX_TERMS: Final = 16
MIN_PREFIX_CHARACTERS: Final = 2
_TERM: Final = re.compile(r'(-?)(?:"([^"]*)"|([^\s"]+))')


class QueryError(Exception):
    """Say why a query cannot be asked."""


class Term(Struct, frozen=True):
    """Be words that follow each other, wanted or not; the last one may be the beginning of a word."""

    words: str
    wanted: bool
    is_prefix: bool


def terms(query: str) -> list[Term]:
    """Return the terms of a query. Raises QueryError."""
    if query.count('"') % 2:
        raise QueryError("A quotation mark is missing.")
    found = [_term(*match.groups()) for match in _TERM.finditer(query)]
    if len(found) > MAX_TERMS:
        raise QueryError(f"A query has at most {MAX_TERMS} words and phrases.")
    if not any(term.wanted for term in found):
        raise QueryError("A query has a word that is wanted.")
    return found


def compiled(found: list[Term], *, channels: frozenset[bytes] | None, sender: str | None) -> str:
    """Return the expression of the index for terms, at least one channel (None: all) and a sender."""
    wanted = " AND ".join(_quoted(term) for term in found if term.wanted)
    unwanted = " OR ".join(_quoted(term) for term in found if not term.wanted)
    words = f"({wanted}) NOT ({unwanted})" if unwanted else wanted
    parts = [f"{{text title}} : ({words})"]
    if channels is not None:
        places = " OR ".join(f'"c{channel.hex()}"' for channel in sorted(channels))
        parts.append(f"place : ({places})")
    if sender is not None:
        parts.append(f'author : "i{sender.encode().hex()}"')
    return " AND ".join(parts)


def _term(minus: str, phrase: str | None, word: str | None) -> Term:
    text = phrase if phrase is not None else (word or "")
    is_prefix = phrase is None and text.endswith("*")
    words = text.rstrip("*") if is_prefix else text
    if not any(character.isalnum() for character in words):
        raise QueryError("A word to search for has a letter or a digit.")
    if is_prefix and len(words) < MIN_PREFIX_CHARACTERS:
        raise QueryError(f"The beginning of a word has {MIN_PREFIX_CHARACTERS} characters.")
    return Term(words, not minus, is_prefix)


def _quoted(term: Term) -> str:
    words = term.words.replace("\0", " ").replace('"', '""')
    return f'"{words}"' + ("*" if term.is_prefix else "")
