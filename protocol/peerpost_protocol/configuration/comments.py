"""What the source says beside a field: the comment behind it, or the lines above it.

A setting is explained once, where it is declared. The installed package holds its source, so the example file and the
reference page are made from the same words.
"""

import inspect
import io
import tokenize
from functools import cache
from tokenize import COMMENT, NAME, TokenInfo

from msgspec import Struct


@cache
def comments_of(declared: type[Struct]) -> dict[str, str]:
    """Return field name → comment, those of its bases included; nothing where there is no source."""
    found: dict[str, str] = {}
    for one in reversed(declared.__mro__):
        if issubclass(one, Struct) and one is not Struct:
            found |= _comments(one)
    return found


def _comments(declared: type[Struct]) -> dict[str, str]:
    try:
        source = inspect.getsource(declared)
    except OSError:
        return {}
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    comments = {token.start[0]: token for token in tokens if token.type == COMMENT}
    code = {token.start[0]: token for token in reversed(tokens) if token.type == NAME}
    fields = {row: code[row].string for row in code if code[row].string in declared.__annotations__}
    return {name: _beside(row, comments, code) for row, name in fields.items()}


def _beside(row: int, comments: dict[int, TokenInfo], code: dict[int, TokenInfo]) -> str:
    above: list[TokenInfo] = []
    while (row := row - 1) in comments and row not in code:
        above.insert(0, comments[row])
    beside = comments.get(row + 1 + len(above))
    words = [token.string.removeprefix("#").strip() for token in [*above, *filter(None, [beside])]]
    return " ".join(words)
