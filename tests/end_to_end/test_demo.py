import asyncio
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.demonstration.by_hand import by_hand
from scripts.demonstration.command import STOPPED, main
from tests.support.processes import environment
from tests.support.site import Site

ROOT = Path(__file__).parents[2]
HUNG_SECONDS = 50
DEMONSTRATE = "import sys; from scripts.demonstration.command import main; sys.exit(main())"


def processes_of(folder: str) -> list[str]:
    """Return the command lines of the processes that work in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [line for line in found if folder in line]


def test_the_demonstration_accounts_for_every_line_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--lines", "60"]) == 0
    output = capsys.readouterr()
    folder = re.findall(r"three daemons in (\S+)", output.out)[0]
    assert len(re.findall(r"@example\.org .* yes +0 +0 +\d+ +\d+ MB", output.out)) == 3
    assert "every line reached every member exactly once" in output.out
    assert output.err == ""  # progress is for a terminal
    assert processes_of(folder) == []
    assert not Path(folder).exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
async def test_a_demonstration_that_is_stopped_leaves_nothing_running() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DEMONSTRATE, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode() for _ in range(2)]
    folder = lines[0].split()[-1]
    assert len(processes_of(folder)) == 4
    process.send_signal(signal.SIGTERM)
    await process.stdout.read()
    assert await process.wait() == STOPPED
    assert processes_of(folder) == []
    assert not Path(folder).exists()  # noqa: ASYNC240 - nothing else runs in this loop


@pytest.fixture
def short_path() -> Iterator[Path]:
    """Be a folder whose name leaves room for those of sockets, which have 107 bytes."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


async def test_the_commands_to_go_on_by_hand_work(
    site: Site, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(short_path))
    text = by_hand(site, keep=False)
    script = "\n".join(line for line in text.splitlines() if line.startswith("  "))
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euc", f"trap 'kill $(jobs -p)' EXIT\n{script}"),
        env=environment() | {"LC_ALL": "C.UTF-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    output = bytearray()
    try:
        async with asyncio.timeout(HUNG_SECONDS):
            while piece := await process.stdout.read(4096):
                output += piece
            await process.wait()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail(f"it did not end after it had said:\n{output.decode()}")
    assert "alice@example.org: hello" in output.decode()
