"""A relay, a member or a file steers the terminal through any command, not only through those that show messages.

Every command of the table is run once with answers in which each string that is not the daemon's own word is poisoned:
names, snippets, requests, files, reasons, places, and what an error carries. What is printed steers nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from peerpost.cli import main
from peerpost.commands import SUMMARIES
from tests.attacks.test_terminal_escapes import ATTACKS, dangerous
from tests.client import samples
from tests.client.conftest import recorder
from tests.client.recorder import Fault, Recorder
from tests.client.test_commands import BACKUPS, CASES

__all__ = ["recorder"]  # the fixture

ATTACK = "".join(attack for name, attack in ATTACKS.items() if name != "a lone surrogate")
OWN = {  # what the daemon alone writes, and commands decide by
    *("kind", "state", "status", "priority", "role", "data", "qr", "png", "message", "method"),
}
SECRET = ["--passphrase-file", "passphrase"]
FURTHER = [
    ["init", *SECRET],
    ["unlock", *SECRET],
    ["join", "--as", "bob@example.org", *SECRET],
    ["reply", samples.ID, "yes"],
    ["request", "ops", "ready?"],
    ["run", "ops", "--", "true"],
    ["save", samples.ID, "--to", "."],
    ["listen", "--count", "3", *(f"--kind={k}" for k in ("message", "quarantine", "channel"))],
    ["history", "export", "ops"],
    ["history", "import", "ops"],
    ["contacts", "known", "known"],
    ["health"],
    ["doctor"],
]
RUNS = [
    *(case[0] for case in CASES),
    *([*case[0], *SECRET] for case in BACKUPS),
    *FURTHER,
]
INVITATION = f"peerpost://join?relay=wss://relay.example.org&key={'a' * 64}&token=t"


def poisoned(thing: Any) -> Any:
    """Return an answer with the attack in front of every string that is not the daemon's own word."""
    if isinstance(thing, dict):
        own = {k for k, v in thing.items() if k in OWN and not isinstance(v, dict)}
        return {k: v if k in own else poisoned(v) for k, v in thing.items()}
    if isinstance(thing, list):
        return [poisoned(item) for item in thing]
    return f"{ATTACK}{thing}" if isinstance(thing, str) else thing


@pytest.fixture
def hostile(recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Offer a daemon whose answers are poisoned, and a folder to stand in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "passphrase").write_text("correct horse battery")
    (tmp_path / "passphrase").chmod(0o600)
    (tmp_path / "known").write_text("")
    for method, answer in recorder.answers.items():
        recorder.answers[method] = answer if callable(answer) else _poisoned_answer(answer)
    named = {"kind": "channel", "data": {"name": ATTACK, ATTACK: ATTACK}}
    held = {"kind": "quarantine", "data": {ATTACK: ATTACK}}
    plain = poisoned(samples.event(1))
    recorder.events = [plain, samples.event(2) | held, samples.event(3) | named]
    return recorder


def _poisoned_answer(answer: object) -> object:
    return answer if isinstance(answer, Fault) else poisoned(answer)


def run(daemon: Recorder, command: list[str]) -> None:
    """Run a command with its standard input."""
    given = Path("input")
    given.write_text(INVITATION if command[0] == "join" else "{}\n")
    with given.open() as stdin, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", stdin)
        main(["--socket", str(daemon.path), *command])


def test_every_command_is_run() -> None:
    assert {command[0] for command in RUNS} >= set(SUMMARIES) - {"call", "shutdown", "lock"}


@pytest.mark.parametrize("command", RUNS, ids=" ".join)
def test_no_command_passes_controls_on(
    command: list[str], hostile: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    run(hostile, command)
    shown = capsys.readouterr()
    assert hostile.requests
    assert not dangerous(shown.out)
    assert not dangerous(shown.err)


@pytest.mark.parametrize("command", RUNS, ids=" ".join)
def test_no_error_passes_controls_on(
    command: list[str], hostile: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    for method in hostile.answers:
        hostile.answers[method] = Fault(ATTACK, answers=[poisoned(samples.MESSAGE)], message=ATTACK)
    run(hostile, command)
    assert not dangerous(capsys.readouterr().err)
