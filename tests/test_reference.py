"""The generated reference is whole: links lead somewhere, manuals and completions can be read by what reads them."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from peerpost.commands import SUMMARIES
from peerpost.grammar import whole_parser
from scripts.generation.interface import interface
from scripts.generation.methods import anchor
from scripts.generation.parsers import subparsers_of

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs/reference").glob("*.md"))
MANUALS = sorted((ROOT / "share/man").rglob("peerpost*"))
COMPLETE = """
source share/bash-completion/completions/peerpost
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_LINE="{words}"; COMP_POINT=${{#COMP_LINE}}
compopt() {{ :; }}
_shtab_peerpost 2>&1
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def headings_of(page: Path) -> list[str]:
    return re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)


def broken_links(page: Path) -> Iterator[str]:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, fragment = link.partition("#")
        target = page.parent / path if path else page
        if "://" in link:
            continue
        if not target.exists() or (fragment and fragment not in map(anchor, headings_of(target))):
            yield link


def references_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(found := value.get("$ref"), str):
            yield found
        for each in value.values():
            yield from references_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from references_in(each)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_has_two_headings_of_one_name(page: Path) -> None:
    headings = headings_of(page)
    assert len(headings) == len(set(headings))


def test_every_method_has_a_section() -> None:
    there = {heading for page in PAGES for heading in headings_of(page)}
    assert {method["name"] for method in interface()["methods"]} <= there


@pytest.mark.parametrize("name", ["openrpc.json", "schemas.json"])
def test_every_reference_of_a_schema_means_something(name: str) -> None:
    read = json.loads((ROOT / "docs" / name).read_text())
    for reference in references_in(read):
        found = read
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_the_whole_parser_has_every_command() -> None:
    assert list(subparsers_of(whole_parser())) == list(SUMMARIES)


def test_the_whole_parser_reads_what_the_commands_read() -> None:
    read = whole_parser().parse_args(["--json", "send", "ops", "hello", "--wait", "sent"])
    assert (read.command, read.to, read.text, read.wait, read.json) == (
        *("send", "ops", "hello", "sent"),
        True,
    )


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
@pytest.mark.parametrize("manual", MANUALS, ids=lambda manual: manual.name)
def test_a_manual_is_read_without_a_complaint(manual: Path) -> None:
    read = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z", manual], check=True, capture_output=True, text=True
    )
    assert read.stderr == ""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("peerpost se", {"send", "search"}),
        ("peerpost send ops --wai", {"--wait"}),
        ("peerpost send ops --wait d", {"delivered"}),
        ("peerpost channel cr", {"create"}),
    ],
)
def test_bash_completes(words: str, offered: set[str]) -> None:
    script = COMPLETE.format(words=words)
    said = subprocess.run(
        ["bash", "-c", script], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert set(said.stdout.split()) == offered, said.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_of_their_shell(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    places = {"bash": "bash-completion", "zsh": "zsh", "fish": "fish"}
    for script in (ROOT / "share" / places[shell]).rglob("*peerpost*"):
        subprocess.run([shell, "-n", script], check=True)
