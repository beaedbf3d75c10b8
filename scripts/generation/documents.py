"""Which files are generated, and whether they are current."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from scripts.generation.commands import commands_page
from scripts.generation.completions import PLACES, completion
from scripts.generation.configuration import configuration_page
from scripts.generation.contents import contents_page
from scripts.generation.interface import nouns
from scripts.generation.manuals import SECTIONS, command_manual, rpc_manual
from scripts.generation.methods import errors_page, events_page, noun_page, types_page
from scripts.generation.schemas import openrpc_file, schemas_file

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/configuration.md": configuration_page,
    "docs/openrpc.json": openrpc_file,
    "docs/schemas.json": schemas_file,
    "docs/reference/README.md": contents_page,
    "docs/reference/commands.md": commands_page,
    "docs/reference/errors.md": errors_page,
    "docs/reference/events.md": events_page,
    "docs/reference/types.md": types_page,
    "share/man/man5/peerpost-rpc.5": rpc_manual,
}
DOCUMENTS |= {f"docs/reference/{noun}.md": partial(noun_page, noun) for noun in nouns()}
DOCUMENTS |= {
    f"share/man/man{section}/{command}.{section}": partial(command_manual, command)
    for command, section in SECTIONS.items()
}
DOCUMENTS |= {
    place.format(command): partial(completion, command, shell)
    for command in SECTIONS
    for shell, place in PLACES.items()
}


def outdated() -> list[str]:
    """Return the paths of generated files that are missing or not what would be written now."""
    return [path for path, make in DOCUMENTS.items() if _present(ROOT / path) != make()]


def write() -> list[str]:
    """Write those that are outdated; return their paths."""
    paths = outdated()
    for path in paths:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(DOCUMENTS[path](), encoding="utf-8")
    return paths


def _present(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
