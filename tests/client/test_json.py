"""With --json every command prints JSON: results on standard output, an error on standard error."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from peerpost.cli import main
from tests.client import samples
from tests.client.command_table import LINES, Leaf, example, leaves, with_json
from tests.client.conftest import Run
from tests.client.recorder import Fault, Recorder

Capture = pytest.CaptureFixture[str]
Called = Callable[[Leaf], int]


@pytest.fixture
def called(recorder: Recorder, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Called:
    """Run the example of a command with --json."""
    recorder.answers["message.show"] = samples.WITH_FILES
    recorder.answers["message.send"] = samples.DELIVERY | {"answers": [samples.MESSAGE]}
    recorder.events = [{"subscription": 1, "cursor": 1, "kind": "message", "data": samples.MESSAGE}]

    def call(leaf: Leaf) -> int:
        given = io.TextIOWrapper(io.BytesIO(LINES.get(leaf, "").encode()), encoding="utf-8")
        monkeypatch.setattr("sys.stdin", given)
        return run(*with_json(example(leaf, tmp_path)))

    return call


def objects(text: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(one, dict) for one in found)
    return found


@pytest.mark.parametrize("leaf", leaves(), ids=" ".join)
def test_every_command_prints_its_result_as_json(
    leaf: Leaf, called: Called, capsys: Capture
) -> None:
    assert called(leaf) == 0 or leaf in {("health",), ("doctor",)}
    assert objects(capsys.readouterr().out)


@pytest.mark.parametrize("leaf", leaves(), ids=" ".join)
def test_every_command_prints_its_error_as_json(
    leaf: Leaf, called: Called, recorder: Recorder, capsys: Capture
) -> None:
    fault = Fault("not_an_admin", retry_after=2.5)
    recorder.answers = dict.fromkeys(recorder.answers, fault)
    code = called(leaf)
    captured = capsys.readouterr()
    assert captured.out == ""
    error = objects(captured.err.splitlines()[-1])[0]
    assert error.keys() == {"kind", "message", "exit_code", "data"}
    assert error["kind"] == "not_an_admin"
    assert error["exit_code"] == code == (0 if leaf == ("run",) else 6)
    assert error["data"]["retry_after"] == 2.5


@pytest.mark.parametrize("leaf", leaves(), ids=" ".join)
def test_a_wrong_use_of_every_command_is_json(leaf: Leaf, capsys: Capture) -> None:
    assert main([*leaf, "--json", "--there-is-no-such-option"]) == 2
    captured = capsys.readouterr()
    (error,) = objects(captured.err)
    assert (error["kind"], error["exit_code"], captured.out) == ("usage", 2, "")


@pytest.mark.parametrize(
    "arguments", [["--json"], ["--json", "nonsense"], ["status", "--json", "--socket", "/none"]]
)
def test_what_fails_before_a_command_is_json(arguments: list[str], capsys: Capture) -> None:
    code = main(arguments)
    (error,) = objects(capsys.readouterr().err)
    assert (error["exit_code"], error["kind"] in {"usage", "no_daemon"}) == (code, True)


def test_a_text_that_reads_like_the_option_is_none(
    recorder: Recorder, run: Run, capsys: Capture
) -> None:
    recorder.answers["message.send"] = Fault("locked")
    assert run("send", "--", "ops", "--json") == 4
    assert capsys.readouterr().err == "peerpost: It is locked.\n"


def test_nothing_in_an_error_steers_a_terminal(
    recorder: Recorder, run: Run, capsys: Capture
) -> None:
    recorder.answers["daemon.status"] = Fault("bad\x1b[2J\u202e")
    run("status", "--json")
    captured = capsys.readouterr().err
    assert captured.isascii()
    assert "\x1b" not in captured
    assert json.loads(captured)["kind"] == "bad\x1b[2J\u202e"
