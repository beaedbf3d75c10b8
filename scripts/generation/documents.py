"""Which files are generated, and whether they are current."""

from collections.abc import Callable
from pathlib import Path

from scripts.generation.configuration import configuration_page

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/configuration.md": configuration_page,
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
