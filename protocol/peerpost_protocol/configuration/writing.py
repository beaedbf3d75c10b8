"""From the declaration of a configuration to its example file and its reference page."""

import json
import textwrap
from collections.abc import Sequence
from enum import Enum
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import Struct

from peerpost_protocol.configuration.setting import Setting, rows_of, settings_of

WIDTH = 100


def example(declared: type[Struct], title: str) -> str:
    """Return a TOML file that says every setting: those with a default as comments, at that default."""
    blocks = [_wrapped(title)]
    for table, settings in _tables(declared):
        if table:
            blocks.append(f"[{table}]\n")
        blocks += [_entry(setting) for setting in settings]
    return "\n".join(blocks)


def reference(declared: type[Struct]) -> str:
    """Return Markdown: a table of settings for each table of the file."""
    blocks = []
    for table, settings in _tables(declared):
        blocks.append(_section(f"[{table}]" if table else "", settings))
        arrays = [(one.path, rows) for one in settings if (rows := rows_of(one.type)) is not None]
        blocks += [_section(f"[[{path}]]", settings_of(rows)) for path, rows in arrays]
    return "\n".join(blocks)


def _section(title: str, settings: Sequence[Setting]) -> str:
    rows = "".join(f"{_row(setting)}\n" for setting in settings)
    head = f"### `{title}`\n\n" if title else ""
    columns = "| setting | default | bound | changes | meaning |\n| --- | --- | --- | --- | --- |\n"
    return f"{head}{columns}{rows}"


def _tables(declared: type[Struct]) -> list[tuple[str, list[Setting]]]:
    """Return (table, its settings), those of no table first: TOML cannot go back to the top."""
    named = sorted(settings_of(declared), key=lambda one: _table(one) != "")
    return [(table, list(some)) for table, some in groupby(named, _table)]


def _table(setting: Setting) -> str:
    return setting.path.rpartition(".")[0]


def _entry(setting: Setting) -> str:
    name = setting.path.rpartition(".")[2]
    about = _about(setting)
    rows = rows_of(setting.type)
    if rows is not None:
        inner = "".join(f"# {line}\n" for one in settings_of(rows) for line in _row_lines(one))
        return f"{_wrapped(about)}# [[{setting.path}]]\n{inner}"
    return f"{_wrapped(about)}#{name} = {_toml(setting.default)}\n"


def _row_lines(setting: Setting) -> list[str]:
    return [f"{setting.path} = {_toml(setting.default)}  # {_about(setting)}"]


def _about(setting: Setting) -> str:
    terms = ", ".join(filter(None, (setting.unit, setting.bound)))
    return f"{setting.description} [{terms}]" if terms else setting.description


def _wrapped(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, WIDTH - 2))


def _row(setting: Setting) -> str:
    name = setting.path.rpartition(".")[2]
    unit = f" ({setting.unit})" if setting.unit else ""
    when = "live" if setting.live else "restart"
    shown = _shown(setting.default)
    cells = (f"`{name}`{unit}", shown, setting.bound, when, setting.description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _shown(value: object) -> str:
    return "-" if value is None or value is msgspec.NODEFAULT else f"`{_toml(value)}`"


def _toml(value: object) -> str:
    """Write a default; what has none is shown as an empty text."""
    if isinstance(value, Enum):
        value = value.value
    match value:
        case bool():
            return json.dumps(value)
        case int() | float():
            return f"{value:_}"
        case tuple() | list():
            return "[" + ", ".join(_toml(one) for one in value) + "]"
        case str() | Path():
            return json.dumps(str(value), ensure_ascii=False)
        case _:
            return '""'
