"""What the source says beside a field: the comment behind it, or the lines above it.

A setting is explained once, where it is declared. The installed package holds its source, so the example file and the
reference page are made from the same words.
"""

import ast
import inspect
import io
import textwrap
import tokenize
from functools import cache

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
        source = textwrap.dedent(inspect.getsource(declared))
    except OSError:
        return {}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {
        t.start[0]: t.string.removeprefix("#").strip() for t in tokens if t.type == tokenize.COMMENT
    }
    (class_,) = ast.parse(source).body
    assert isinstance(class_, ast.ClassDef)
    code = {row for node in class_.body for row in _rows(node)}
    return {
        node.target.id: " ".join(_beside(node, comments, code))
        for node in class_.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def _beside(node: ast.stmt, comments: dict[int, str], code: set[int]) -> list[str]:
    above: list[str] = []
    row = node.lineno - 1
    while row in comments and row not in code:
        above.insert(0, comments[row])
        row -= 1
    return above + [comments[row] for row in _rows(node) if row in comments]


def _rows(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
