"""What starts with the command line, and what must not."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.client.recorder import Recorder

SLOW = {"asyncio", "dataclasses", "getpass", "inspect", "logging", "msgspec", "shutil", "socket"}
SLOW |= {"bz2", "lzma", "peerpost.types", "random", "subprocess", "tempfile"}


def imported_by(code: str) -> set[str]:
    """Return the modules that a bare interpreter has not loaded by itself."""
    program = f"import sys; before = set(sys.modules)\n{code}\n"
    program += "import json; print(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=30
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_command_line_imports_nothing_slow() -> None:
    assert not (SLOW | {"typing", "argparse"}) & imported_by("import peerpost.cli")


def test_a_one_shot_send_imports_only_its_own_command(recorder: Recorder) -> None:
    arguments = ["--socket", str(recorder.path), "send", "ops", "hi"]
    loaded = imported_by(f"import peerpost.cli; assert peerpost.cli.main({arguments!r}) == 0")
    assert not (SLOW | {"typing"}) & loaded
    commands = {name for name in loaded if name.startswith("peerpost.commands.")}
    assert commands == {"peerpost.commands.send"}
    assert "peerpost.listener" not in loaded


@pytest.mark.parametrize("name", ["Client", "PeerpostError"])
def test_a_name_of_the_package_brings_no_asyncio(name: str) -> None:
    assert not SLOW & imported_by(f"from peerpost import {name}")


def test_the_package_alone_imports_nothing() -> None:
    own = imported_by("import peerpost") - imported_by("")
    assert own <= {"peerpost", "__future__"}
