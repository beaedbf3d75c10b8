"""`peerpost history`: messages as JSON lines, out and in."""

from __future__ import annotations

import io
import json

import pytest

from tests.client import samples
from tests.client.conftest import Run
from tests.client.recorder import Recorder


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """Stand in for standard input; write to it, then rewind."""
    content = io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content, encoding="utf-8"))
    return content


def test_what_is_exported_is_what_is_imported(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str], pipe: io.BytesIO
) -> None:
    assert run("history", "export", "ops") == 0
    line = capsys.readouterr().out
    assert json.loads(line) == samples.MESSAGE
    pipe.write(line.encode())
    pipe.seek(0)
    assert run("history", "import", "ops") == 0
    assert recorder.params("message.import")["messages"] == [samples.MESSAGE]
    assert capsys.readouterr().out == "1 imported, 0 skipped\n"


def test_what_was_not_exported_is_not_imported(run: Run, pipe: io.BytesIO) -> None:
    pipe.write(b"[]\n")
    pipe.seek(0)
    assert run("history", "import", "ops") == 2
