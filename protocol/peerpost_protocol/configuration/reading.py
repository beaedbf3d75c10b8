"""From text to a configuration. What is given later wins: file, environment, options.

Who attacks this: nobody who cannot already write the operator's files. What matters is that a mistake is found, and
named, before anything is served: an unknown setting is an error, and so is a variable with our prefix that names none.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, inspect

from peerpost_protocol.configuration.setting import (
    Setting,
    fields_of,
    rows_of,
    settings_of,
    table_of,
)
from peerpost_protocol.errors import MalformedError

MAX_CONFIGURATION = 1024 * 1024  # bytes of a file

T = TypeVar("T", bound=Struct)
Tree = dict[str, Any]

_PLACE = re.compile(r"^(.*?)(?: - at `\$\.?(.*)`)?$", re.DOTALL)


def read(
    declared: type[T],
    text: bytes = b"",
    *,
    defaults: Mapping[str, object] | None = None,
    prefix: str = "",
    environment: Mapping[str, str] | None = None,
    reserved: Iterable[str] = (),
    assigned: Iterable[str] = (),
) -> T:
    """Return the configuration.

    `text` is the file. `defaults` are settings that the surroundings say where nothing else does. `prefix` is what
    variables begin with (with `PEERPOSTD_`, `table.name` is `PEERPOSTD_TABLE_NAME`); `reserved` are variables that mean
    something else. `assigned` are options `PATH=VALUE`. Raise MalformedError naming the setting.
    """
    tree = _parsed(text)
    _known(declared, tree, "")
    paths = {setting.path: setting for setting in settings_of(declared)}
    variables = {prefix + path.replace(".", "_").upper(): path for path in paths}
    for name, value in sorted((environment or {}).items()):
        if prefix and name.startswith(prefix) and name not in reserved:
            if name not in variables:
                raise _unknown(name, variables)
            _assign(tree, paths[variables[name]], value)
    for assignment in assigned:
        path, equals, value = assignment.partition("=")
        if not equals:
            raise MalformedError("bad_setting", "SETTING=VALUE is expected", field=assignment)
        if path not in paths:
            raise _unknown(path, paths)
        _assign(tree, paths[path], value)
    return _converted(declared, {**(defaults or {}), **tree})


def check_owner(mode: int, owner: int, reader: int) -> None:
    """Raise MalformedError when a file of this mode and owner could be written by others than root and its reader.

    Whoever writes the configuration chooses what is run as the reader, and where its messages go.
    """
    if owner not in (0, reader) or mode & 0o022:
        raise MalformedError("bad_configuration", "others than you and root can write it")


def changed(before: Struct, after: Struct, prefix: str = "") -> list[str]:
    """Return the paths of the settings in which two configurations of one type differ."""
    paths: list[str] = []
    for name in before.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if isinstance(old, Struct) and type(old) is type(new):
            paths += changed(old, new, f"{prefix}{name}.")
        else:
            paths.append(prefix + name)
    return paths


def _parsed(text: bytes) -> Tree:
    if len(text) > MAX_CONFIGURATION:
        raise MalformedError("bad_configuration", f"over {MAX_CONFIGURATION:,} bytes")
    try:
        return tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:  # not UTF-8, no TOML, a number of 5,000 digits
        raise MalformedError("bad_configuration", f"no TOML: {error}") from None


def _known(declared: type[Struct], tree: Tree, prefix: str) -> None:
    fields = {one.encode_name: one.type for one in fields_of(declared)}
    for name, value in tree.items():
        if name not in fields:
            raise _unknown(prefix + name, [prefix + one for one in fields])
        table = table_of(fields[name]) or rows_of(fields[name])
        for row in value if isinstance(value, list) else [value]:
            if table is not None and isinstance(row, dict):
                _known(table, row, f"{prefix}{name}.")


def _unknown(name: str, known: Iterable[str]) -> MalformedError:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    return MalformedError("unknown_setting", f"there is no such setting{hint}", field=name)


def _assign(tree: Tree, setting: Setting, value: str) -> None:
    *tables, name = setting.path.split(".")
    for table in tables:
        tree = tree.setdefault(table, {})
    tree[name] = _value(setting, value)


def _value(setting: Setting, text: str) -> object:
    """Return a value given as text: as TOML writes it, or as it stands."""
    if _is_text(setting.type):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _is_text(type_: inspect.Type) -> bool:
    if isinstance(type_, inspect.UnionType):
        return any(_is_text(one) for one in type_.types)
    return isinstance(type_, inspect.StrType | inspect.CustomType)


def _converted(declared: type[T], tree: Tree) -> T:
    try:
        return msgspec.convert(tree, declared, dec_hook=_decoded)
    except msgspec.ValidationError as error:
        found = _PLACE.match(str(error))
        said, place = (found[1], found[2]) if found else (str(error), None)
        raise MalformedError("bad_setting", said[:1].lower() + said[1:], field=place) from None


def _decoded(type_: type, value: object) -> object:
    if type_ is Path and isinstance(value, str | Path) and str(value) and "\0" not in str(value):
        return Path(value)
    raise ValueError(f"Expected a {type_.__name__.lower()}")  # msgspec adds where it stood
