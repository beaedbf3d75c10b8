"""What a setting is, found out from the struct that declares it.

A field's description is the comment beside it. A field whose type is a struct is a table of the file, a tuple of
structs an array of tables.
"""

from functools import cache
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct, inspect

from peerpost_protocol.configuration.comments import comments_of

T = TypeVar("T")

_LIVE = "live"
Live = Annotated[T, Meta(extra={_LIVE: True})]
"""Be a setting that takes effect when a running service reads its configuration anew; others wait for a start."""

MAX_SECONDS = 10 * 365 * 86_400
Seconds = Annotated[float, Meta(gt=0, le=MAX_SECONDS)]
"""Be a time that a clock can count: TOML knows `inf` as well."""

_UNITS = {
    "_seconds": "s",
    "_ms": "ms",
    "_bytes": "bytes",
    "_bytes_max": "bytes",
    "_bytes_burst": "bytes",
    "_bytes_per_second": "bytes/s",
}


class Setting(Struct, frozen=True):
    """Be one setting. `path` is `name` or `table.name`; `default` is msgspec.NODEFAULT where one must be given."""

    path: str
    type: inspect.Type
    default: object
    description: str

    @property
    def unit(self) -> str:
        """Return the unit that the name says, or nothing."""
        return next((unit for end, unit in _UNITS.items() if self.path.endswith(end)), "")

    @property
    def live(self) -> bool:
        """Tell whether it takes effect at a reload."""
        extra = self.type.extra if isinstance(self.type, inspect.Metadata) else None
        return bool(extra and extra.get(_LIVE))

    @property
    def bound(self) -> str:
        """Return what the type allows, for people."""
        return _bound(self.type)


@cache
def settings_of(declared: type[Struct]) -> tuple[Setting, ...]:
    """Return every setting of a struct and of the tables in it; arrays of tables count as one setting each."""
    return tuple(_settings(declared, ""))


def _settings(declared: type[Struct], prefix: str) -> list[Setting]:
    found: list[Setting] = []
    comments = comments_of(declared)
    for field in fields_of(declared):
        path = prefix + field.encode_name
        table = table_of(field.type)
        if table is not None:
            found += _settings(table, f"{path}.")
        else:
            about = comments.get(field.name, "")
            found.append(Setting(path, field.type, default_of(field), about))
    return found


def fields_of(declared: type[Struct]) -> tuple[inspect.Field, ...]:
    """Return the fields of a struct with their types."""
    info = inspect.type_info(declared)
    assert isinstance(info, inspect.StructType)
    return info.fields


def table_of(type_: inspect.Type) -> type[Struct] | None:
    """Return the struct that a table's type stands for, also where the table may be missing."""
    if isinstance(type_, inspect.StructType):
        return type_.cls
    if isinstance(type_, inspect.UnionType):
        return next((table for one in type_.types if (table := table_of(one))), None)
    return None


def rows_of(type_: inspect.Type) -> type[Struct] | None:
    """Return the struct that each table of an array of tables is; None for other types."""
    if isinstance(type_, inspect.Metadata):
        return rows_of(type_.type)
    if isinstance(type_, inspect.VarTupleType):
        return table_of(type_.item_type)
    return None


def default_of(field: inspect.Field) -> object:
    """Return a field's default, made where it is made."""
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _bound(type_: inspect.Type) -> str:
    if isinstance(type_, inspect.Metadata):
        return _bound(type_.type)
    if isinstance(type_, inspect.UnionType):
        return " or ".join(filter(None, (_bound(one) for one in type_.types)))
    if isinstance(type_, inspect.VarTupleType):
        return " ".join(filter(None, ("a list:", _bound(type_.item_type)))).removesuffix(":")
    return _bound_of_one(type_)


def _bound_of_one(type_: inspect.Type) -> str:
    match type_:
        case inspect.BoolType():
            return "true or false"
        case inspect.LiteralType(values=values):
            return ", ".join(str(one) for one in values)
        case inspect.EnumType(cls=values):
            return ", ".join(str(one.value) for one in values)
        case (
            inspect.IntType(gt=above, ge=least, le=most)
            | inspect.FloatType(gt=above, ge=least, le=most)
        ):
            return _range(above, least, most)
        case _:
            return ""


def _range(above: float | None, least: float | None, most: float | None) -> str:
    low = f"over {above:,}" if above is not None else f"from {least:,}" if least is not None else ""
    return " ".join(filter(None, (low, f"to {most:,}" if most is not None else "")))
