from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peerpost.cli import main
from tests.client.recorder import Recorder

Run = Callable[..., int]


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with Recorder(tmp_path / "daemon.sock") as running:
        yield running


@pytest.fixture
def run(recorder: Recorder) -> Run:
    """Run the command line in this process, against the recorder."""
    return lambda *arguments: main(["--socket", str(recorder.path), *arguments])
