"""Exit codes, help texts and what stands on standard error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from peerpost import commands
from peerpost.cli import main
from peerpost.commands import SUMMARIES
from peerpost.errors import CLASSES, error_of
from tests.client.conftest import Run
from tests.client.recorder import Fault, Recorder

CODES = {
    "storage_full": 1,
    "wrong_passphrase": 1,
    "unknown_channel": 1,
    "a_kind_of_the_future": 1,
    "invalid_params": 2,
    "method_not_found": 2,
    "too_large": 2,
    "shutting_down": 3,
    "locked": 4,
    "no_vault": 4,
    "timeout": 5,
    "forbidden": 6,
    "not_a_member": 6,
    "not_an_admin": 6,
    "untrusted_contact": 6,
    "identity_taken": 6,
    "wrong_contact_state": 6,
    "safety_number_differs": 6,
    "relay_refused": 6,
    "token_refused": 6,
    "relay_key_changed": 6,
}


@pytest.mark.parametrize(("kind", "code"), CODES.items())
def test_each_kind_of_error_has_its_exit_code(
    kind: str, code: int, recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.answers["daemon.status"] = Fault(kind)
    assert run("status") == code
    assert capsys.readouterr().err == f"peerpost: It is {kind}.\n"


@pytest.mark.parametrize("kind", CLASSES)
def test_a_kind_keeps_its_class_and_name(kind: str) -> None:
    error = error_of(kind, "sentence")
    assert (type(error), error.kind) == (CLASSES[kind], kind)


def test_no_daemon_has_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEERPOST_SOCKET", str(tmp_path / "none.sock"))
    assert main(["status"]) == 3
    assert capsys.readouterr().err.count("\n") == 1


USAGE_ERRORS = [
    [],
    ["--socket"],
    ["nonsense"],
    ["send"],
    ["send", "ops", "hi", "--wait", "forever"],
    ["send", "ops", "hi", "--expires-in", "soon"],
    ["send", "ops", "hi", "--tim", "3"],
    ["card"],
    ["send", "--", "ops", "-a", "-b"],
    ["channel", "add", "ops"],
    ["listen", "--from", "yesterday"],
    ["listen", "--kind", "gossip"],
    ["log", "ops", "--limit", "-1"],
    ["register", "a@b.org", "--token", "in-the-open"],
    ["unlock", "passphrase"],
]


@pytest.mark.parametrize("arguments", USAGE_ERRORS)
def test_a_usage_error_asks_nothing_of_the_daemon(
    arguments: list[str], recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("peerpost: ")
    assert recorder.requests == []


def test_a_token_in_the_open_is_not_repeated(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("register", "a@b.org", "--token", "in-the-open")
    assert "in-the-open" not in capsys.readouterr().err


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"{name} " in shown and SUMMARIES[name] in shown for name in SUMMARIES)
    assert "exit codes" in shown


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_has_a_help_text(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"usage: peerpost {name}" in shown
    assert "--json" in shown
    assert "--socket" in shown


def test_every_command_file_is_listed() -> None:
    files = {path.stem for path in Path(commands.__path__[0]).glob("*.py")} - {"__init__"}
    assert files == set(SUMMARIES)


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("peerpost 0.")


def test_an_interrupt_is_no_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("peerpost.commands.status.run", interrupted)
    assert run("status") == 130


def start(recorder: Recorder, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "peerpost", "--socket", str(recorder.path), *arguments]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # no terminal, whoever runs the tests
    )


def test_it_runs_as_a_module_in_a_pipe(recorder: Recorder) -> None:
    with start(recorder, "send", "ops") as process:
        out, err = process.communicate("from a pipe\n", timeout=30)
    assert (process.returncode, err) == (0, "")
    assert recorder.params("message.send") == {"channel": "ops", "text": "from a pipe"}
    assert out.strip()


@pytest.mark.parametrize("arguments", [["status"], ["--help"]])
def test_a_reader_that_goes_away_ends_it_quietly(arguments: list[str], recorder: Recorder) -> None:
    with start(recorder, *arguments) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.wait(30), process.stderr.read()) == (141, "")


def test_a_help_text_that_nobody_reads_is_no_traceback(recorder: Recorder) -> None:
    with start(recorder, "send", "--help") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(30) in {0, 141}  # argparse keeps some failures to itself
        assert process.stderr.read() == ""


def test_an_error_is_one_sentence_without_a_traceback(recorder: Recorder) -> None:
    recorder.answers["daemon.status"] = Fault("locked")
    with start(recorder, "status") as process:
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (4, "peerpost: It is locked.\n")


def test_a_token_comes_from_standard_input(recorder: Recorder) -> None:
    with start(recorder, "register", "a@b.org", "--token", "-") as process:
        process.communicate("piped-token\n", timeout=30)
    assert recorder.params("account.register")["token"] == "piped-token"


@pytest.mark.parametrize("command", ["init", "unlock"])
def test_a_passphrase_comes_from_a_descriptor(command: str, recorder: Recorder, run: Run) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"correct horse\n")
    os.close(writer)
    assert run(command, "--passphrase-fd", str(reader)) == 0
    os.close(reader)
    assert recorder.params("daemon.unlock")["passphrase"] == "correct horse"


def test_without_a_terminal_a_passphrase_is_not_asked_for(recorder: Recorder) -> None:
    with start(recorder, "unlock") as process:
        _, err = process.communicate("piped\n", timeout=30)
    assert process.returncode == 2
    assert "no terminal" in err
    assert recorder.requests == []


@pytest.mark.parametrize("options", [["status"], ["status", "--json"], ["--help"]])
def test_an_output_that_cannot_be_written_is_said_in_a_sentence(
    options: list[str], recorder: Recorder
) -> None:
    command = [sys.executable, "-m", "peerpost", "--socket", str(recorder.path), *options]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    sentence = "The output cannot be written: No space left on device."
    if "--json" in options:
        assert json.loads(ended.stderr)["message"] == sentence
    else:
        assert ended.stderr == f"peerpost: {sentence}\n"


@pytest.mark.parametrize("arguments", [["send", "ops"], ["call", "daemon.unlock", "-"]])
def test_a_closed_standard_input_is_a_usage_error(
    arguments: list[str],
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", None)  # as the interpreter has it after `<&-`
    assert run(*arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
