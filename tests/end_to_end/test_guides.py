"""Everything that README and the guides tell a reader to do is done, and prints what they say."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.generation.interface import interface
from tests.end_to_end.test_examples import FOLDER, RUNS
from tests.support.guide import Shell
from tests.support.processes import free_port

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs/guides"
FIRST = GUIDES / "two-hosts.md"
OTHERS = sorted(path for path in GUIDES.glob("*.md") if path.name not in {FIRST.name, "README.md"})


@contextmanager
def reader() -> Iterator[Shell]:
    """Be somebody who has done nothing yet, in a home with a short path: sockets lie in it."""
    home = Path(tempfile.mkdtemp(prefix="guide-"))
    try:
        with Shell(home, free_port()) as shell:
            yield shell
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def begun() -> Iterator[Shell]:
    """Be a reader of the first guide, from which the others go on."""
    with reader() as shell:
        assert shell.follow(FIRST) > 5
        yield shell


def test_the_readme_is_true() -> None:
    with reader() as shell:
        assert shell.follow(ROOT / "README.md") > 5


@pytest.mark.parametrize("guide", OTHERS, ids=lambda guide: guide.stem)
def test_a_guide_after_the_first_is_true(begun: Shell, guide: Path) -> None:
    assert begun.follow(guide) > 1


def test_every_example_is_run_by_a_guide_or_by_itself() -> None:
    text = "".join(path.read_text() for path in OTHERS)
    alone = {run.example for run in RUNS}
    examples = [path.name for path in FOLDER.iterdir() if path.suffix in {".py", ".sh"}]
    assert [name for name in examples if (f"~/examples/{name}" in text) == (name in alone)] == []


def test_examples_that_a_guide_shows_are_the_files() -> None:
    shown = (GUIDES / "bot.md").read_text()
    for name in ("bot.py", "on-message.sh"):
        assert (ROOT / "scripts/examples" / name).read_text() in shown


def test_the_methods_named_beside_those_of_signal_cli_are_there() -> None:
    rows = re.findall(r"^\| .*? \| (.*?) \|", (GUIDES / "signal-cli.md").read_text(), re.MULTILINE)
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", " ".join(rows)))
    assert len(named) > 20
    assert named <= {method["name"] for method in interface()["methods"]}


def test_the_guides_and_the_readme_link_to_what_is_there() -> None:
    for page in (*GUIDES.glob("*.md"), ROOT / "README.md"):
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"
