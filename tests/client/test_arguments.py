"""How a command line is read: options, actions, dashes."""

import json

import pytest

from tests.client.conftest import Run
from tests.client.recorder import Recorder


def test_json_and_socket_stand_before_or_after_the_action(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (["channel", "--json", "list"], ["--json", "channel", "list"]):
        assert run(*arguments) == 0
        assert json.loads(capsys.readouterr().out)["channels"]


@pytest.mark.parametrize("command", ["channel", "contacts", "consumers", "devices"])
def test_a_command_without_its_action_lists(command: str, recorder: Recorder, run: Run) -> None:
    assert run(command) == run(command, "list") == 0
    assert recorder.requests[0]["method"] == recorder.requests[1]["method"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--wait", "sent", "ops", "look"),
        ("ops", "--wait", "sent", "look"),
        ("ops", "look", "--wait", "sent"),
        ("--wait", "sent", "--", "ops", "look"),
    ],
)
def test_options_stand_anywhere(arguments: tuple[str, ...], recorder: Recorder, run: Run) -> None:
    assert run("send", *arguments) == 0
    assert recorder.params("message.send") == {"channel": "ops", "text": "look", "wait": "sent"}


def test_what_stands_after_two_dashes_is_no_option(recorder: Recorder, run: Run) -> None:
    assert run("send", "--", "ops", "--wait") == 0
    assert recorder.params("message.send") == {"channel": "ops", "text": "--wait"}
