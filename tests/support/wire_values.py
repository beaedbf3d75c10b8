"""Values of any type of the wire, and the most bytes one can take, read off its annotations."""

import re
from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

Type = inspect.Type

# What a pattern of the wire allows, told apart by a string that only fits one of them.
_IDENTITIES = st.from_regex(r"\A[a-z0-9_]{1,8}@[a-z0-9]{1,8}(\.[a-z]{1,5})?\Z")
_BY_SAMPLE = (
    ("a@b", _IDENTITIES),
    ("b.c", st.sampled_from(["b.c", "db1.example.org"])),
    ("a/b", st.sampled_from(["text/plain", "application/json; charset=utf-8"])),
    ("laptop", st.from_regex(r"\A[a-zA-Z0-9._-][a-zA-Z0-9._ -]{0,20}\Z")),
)


def values(type_: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a struct, a union or an annotated type."""
    return _values(inspect.type_info(type_))


def _values(kind: Type) -> st.SearchStrategy[Any]:  # noqa: PLR0911  one a kind of type
    match kind:
        case inspect.StructType(cls=cls, fields=fields):
            return st.builds(cls, *(_values(field.type) for field in fields))
        case inspect.UnionType(types=types):
            return st.one_of(*map(_values, types))
        case inspect.VarTupleType(item_type=item, min_length=low, max_length=high):
            most = min(high or 3, (low or 0) + 2)
            return st.lists(_values(item), min_size=low or 0, max_size=most).map(tuple)
        case inspect.EnumType(cls=cls):
            return st.sampled_from(cls)
        case inspect.StrType(min_length=low, max_length=high, pattern=pattern):
            return _text(pattern) if pattern else st.text(min_size=low or 0, max_size=high)
        case inspect.BytesType(min_length=low, max_length=high):
            return st.binary(min_size=low or 0, max_size=min(high or 99, (low or 0) + 99))
        case inspect.IntType(ge=low, le=high):
            return st.integers(low, high)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
    raise AssertionError(kind)


def _text(pattern: str) -> st.SearchStrategy[str]:
    return next(strategy for sample, strategy in _BY_SAMPLE if re.search(pattern, sample))


def largest(type_: Any) -> int:
    """Return the most bytes that an encoded value of the type takes."""
    return _largest(inspect.type_info(type_))


def _largest(kind: Type) -> int:  # noqa: PLR0911  one a kind of type
    match kind:
        case inspect.StructType(fields=fields, tag=tag):
            return 3 + len(str(tag or "")) + 2 + sum(_largest(field.type) for field in fields)
        case inspect.UnionType(types=types):
            return max(map(_largest, types))
        case inspect.VarTupleType(item_type=item, max_length=int(high)):
            return 5 + high * _largest(item)
        case inspect.EnumType(cls=cls):
            return max(5 + len(str(entry.value)) for entry in cls)
        case inspect.StrType(max_length=int(high)):
            return 5 + 4 * high
        case inspect.BytesType(max_length=int(high)):
            return 5 + high
        case inspect.IntType(le=int()):
            return 9
        case inspect.BoolType() | inspect.NoneType():
            return 1
    raise AssertionError(f"no bound: {kind}")
