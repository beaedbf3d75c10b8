"""Every method of the daemon is asked for by some command, or it stands here why not."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.client import samples
from tests.client.command_table import LINES, every_example
from tests.client.conftest import Run
from tests.client.recorder import Recorder

METHODS = {
    method["name"]
    for method in json.loads((Path(__file__).parents[2] / "docs/openrpc.json").read_text())[
        "methods"
    ]
}
AT_THE_END = "event.unsubscribe"  # `listen` does not wait until it is heard
WITHOUT_WORDS = {
    "account.show": "`status` shows the account",
    "card.endorse": "`devices approve` does, with the code that was compared",
    "card.show": "`contacts show` and `devices` show cards",
    "event.nack": "`listen --exec` gives an event back when its command fails",
    "file.save": "`save` reads the bytes and writes them as who called it",
    "rpc.discover": "a document for programs",
}
"""Methods that no example of a command asks for, and why; `peerpost call` reaches them."""


def test_the_commands_ask_for_every_method_but_these(
    recorder: Recorder, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.answers["message.show"] = samples.WITH_FILES
    recorder.events = [{"subscription": 1, "cursor": 1, "kind": "message", "data": samples.MESSAGE}]
    for arguments in every_example(tmp_path):
        given = LINES.get(tuple(arguments[:2]), "")
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        if arguments[0] != "call":
            run(*arguments)
    asked = {request["method"] for request in recorder.requests}
    assert asked <= METHODS
    assert METHODS - asked - {AT_THE_END} == WITHOUT_WORDS.keys()
