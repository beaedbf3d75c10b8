"""`peerpost health` and `peerpost doctor`: what they print, and their exit codes for monitoring."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from peerpost.cli import main
from tests.client import samples
from tests.client.conftest import Run
from tests.client.recorder import Recorder

Captured = pytest.CaptureFixture[str]


def test_findings_are_shown_with_what_to_do(run: Run, capsys: Captured) -> None:
    assert run("health") == 1
    shown = capsys.readouterr().out
    assert "warning  disk_low: The disk of the vault" in shown
    assert "Free some space." in shown


def test_a_daemon_that_is_well_exits_with_0(recorder: Recorder, run: Run, capsys: Captured) -> None:
    recorder.answers["daemon.health"] = samples.HEALTH | {"well": True, "findings": []}
    assert run("health") == 0
    assert capsys.readouterr().out == "all is well\n"


@pytest.mark.parametrize("state", ["locked", "no_vault"])
def test_a_locked_vault_exits_with_4(recorder: Recorder, run: Run, state: str) -> None:
    recorder.answers["daemon.health"] = samples.HEALTH | {"state": state}
    assert run("health") == 4


def test_without_a_daemon_it_exits_with_3(tmp_path: Path) -> None:
    assert main(["--socket", str(tmp_path / "none"), "health"]) == 3


def test_health_is_printed_as_it_came(run: Run, capsys: Captured) -> None:
    assert run("health", "--json") == 1
    assert json.loads(capsys.readouterr().out) == samples.HEALTH


def test_the_doctor_shows_every_check(run: Run, capsys: Captured) -> None:
    assert run("doctor") == 1
    shown = capsys.readouterr().out
    for part in ("ok       client_socket", "ok       clock", "error    key_file", "chmod 600 it"):
        assert part in shown


def test_the_doctor_works_without_a_daemon(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "file"
    path.touch()
    assert main(["--socket", str(path), "doctor", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert [check["check"] for check in found["checks"]] == ["client_socket", "unit", "daemon"]
    assert "no socket" in found["checks"][0]["detail"]
