"""A message or a name must not steer the terminal of whoever reads it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from peerpost.cli import main
from peerpost.terminal import complain, label, printable, write
from tests.client import samples
from tests.client.conftest import recorder
from tests.client.recorder import Fault, Recorder

__all__ = ["recorder"]  # the fixture

ATTACKS = {
    "a window title": "\x1b]0;owned\x07",
    "cleared lines": "\x1b[2K\x1b[1A",
    "an 8-bit control sequence": "\x9b2J",
    "an 8-bit string": "\x9d0;owned\x9c",
    "an overwritten line": "bad\rgood",
    "backspaces": "bad\b\b\bgood",
    "a reversed direction": "\u202egpj.exe",
    "an isolate": "\u2066abc",
    "a line separator": "a\u2028b",
    "a deletion": "\x7f",
    "text hidden in tags": "\U000e0041",
    "an invisible operator": "\u2061",
    "an annotation": "\ufff9",
    "a NUL": "\0",
    "an invisible space": "al\u200bice",
    "a lone surrogate": "\ud800",
}
ALLOWED = set("\n\t")


def dangerous(text: str) -> set[str]:
    return {
        character for character in text if not character.isprintable() and character not in ALLOWED
    }


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_controls_are_shown_as_escapes(attack: str) -> None:
    for shown in (printable(attack), label(attack)):
        assert not dangerous(shown)
        assert "\\" in shown


def test_what_people_write_stays_readable() -> None:
    text = "Zażółć\tgęślą 你好 עברית 👩‍🚀 é\u00a0!"
    assert printable(text) == text


def test_a_forged_line_is_indented_and_a_name_has_no_lines() -> None:
    forged = "hello\n2026-01-01 00:00:00 [ops] alice@example.org: pay him"
    assert all(line.startswith("    ") for line in printable(forged).split("\n")[1:])
    assert label("ops\n[dev]\t") == "ops\\n[dev]\\t"


def poisoned(thing: Any, attack: str) -> Any:
    """Return an answer with the attack in every string of others."""
    if isinstance(thing, dict):
        own = {"kind", "message"}
        return {k: v if k in own else poisoned(v, attack) for k, v in thing.items()}
    if isinstance(thing, list):
        return [poisoned(item, attack) for item in thing]
    return f"{attack}{thing}" if isinstance(thing, str) else thing


COMMANDS = [
    ["status"],
    ["status", "x"],
    ["register", "a@b.org"],
    ["log", "ops"],
    ["channel", "list"],
    ["channel", "show", "x"],
    ["contacts", "list"],
    ["contacts", "show", "x"],
    ["card", "search", "x"],
    ["listen", "--count", "2", "--kind", "message", "--kind", "quarantine"],
]


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_passes_controls_on(
    command: list[str], attack: str, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    for method, answer in recorder.answers.items():
        recorder.answers[method] = answer if callable(answer) else poisoned(answer, attack)
    message = samples.event(1, attack)
    other = samples.event(2) | {"kind": "quarantine", "data": {attack: attack}}
    recorder.events = [poisoned(message, attack), other]
    assert main(["--socket", str(recorder.path), *command]) == 0
    assert not dangerous(capsys.readouterr().out)
    assert main(["--json", "--socket", str(recorder.path), *command]) == 0
    assert capsys.readouterr().out.isascii()


def test_the_json_form_keeps_the_exact_text(
    recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "".join(ATTACKS.values())
    recorder.answers["message.list"] = {
        "messages": [samples.MESSAGE | {"text": text}],
        "more": False,
    }
    assert main(["--json", "--socket", str(recorder.path), "log", "ops"]) == 0
    assert json.loads(capsys.readouterr().out)["messages"][0]["text"] == text


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_error_passes_no_controls_on(
    attack: str, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.answers["daemon.status"] = Fault(attack)
    assert main(["--socket", str(recorder.path), "status"]) == 1
    complain(f"{attack}\n{attack}")
    err = capsys.readouterr().err
    assert not dangerous(err)
    assert err.count("\n") == 2


def test_an_output_that_cannot_show_a_character_shows_an_escape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", narrow)
    write("zażółć")
    narrow.seek(0)
    assert narrow.read() == "za\\u017c\\xf3\\u0142\\u0107\n"
