"""The units: what systemd's own tools say of them, and that the processes live with what they take away."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

import pytest

from peerpost import AsyncClient
from peerpost_daemon.process import SOCKET_NAME as DAEMON_SOCKET
from peerpost_relay.process import SOCKET_NAME as RELAY_SOCKET
from peerpost_relay.settings import RelaySettings
from tests.support.confinement import confined, directives
from tests.support.managed import managed

ROOT = Path(__file__).parents[1]
DAEMON, RELAY = ROOT / "daemon/peerpostd.service", ROOT / "relay/peerpost-relay.service"
USER = ROOT / "daemon/user/peerpostd.service"
UNITS = sorted([*ROOT.glob("daemon/**/peerpostd.*"), *ROOT.glob("relay/peerpost-relay.*")])
MOST_EXPOSED = 1.5
needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or find_library("seccomp") is None or shutil.which("setpriv") is None,
    reason="taking calls, capabilities and mounts away needs root, libseccomp and setpriv",
)

ATTEMPTS = """
import mmap, os, socket
for attempt in (
    lambda: os.setpriority(os.PRIO_PROCESS, 0, 1),
    lambda: os.setgid(1),
    lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    lambda: open({outside!r}, "w"),
    lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),
):
    try:
        attempt()
    except OSError:
        continue
    raise SystemExit(1)
open({inside!r}, "w")
"""


def analyze(*arguments: str | Path) -> str:
    command = ["systemd-analyze", "--no-pager", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr


@needs_analyze
@pytest.mark.parametrize("unit", [DAEMON, RELAY, USER], ids=["system", "relay", "user"])
def test_a_service_is_exposed_little(unit: Path) -> None:
    said = analyze("security", "--offline=true", unit)
    (line,) = (line for line in said.splitlines() if "Overall exposure level" in line)
    assert float(line.split(": ")[1].split()[0]) <= MOST_EXPOSED, said


@needs_analyze
@pytest.mark.parametrize("folder", ["daemon", "daemon/user", "relay"])
def test_systemd_finds_nothing_wrong_with_a_unit(folder: str, tmp_path: Path) -> None:
    units = [unit for unit in UNITS if unit.parent == ROOT / folder and unit.suffix != ".sysusers"]
    for unit in units:
        text = unit.read_text().replace("=/usr/local/bin/peerpost", "=/bin/true peerpost")
        (tmp_path / unit.name).write_text(text)
    said = analyze("verify", "--man=no", *(tmp_path / unit.name for unit in units))
    assert not [line for line in said.splitlines() if str(tmp_path) in line]


@pytest.mark.parametrize("unit", [DAEMON, RELAY, USER], ids=["system", "relay", "user"])
def test_a_service_is_of_the_kind_that_our_processes_speak(unit: Path) -> None:
    given = dict(directives(unit))
    assert given["Type"] == "notify"
    assert int(given["WatchdogSec"]) > 0
    assert given["ExecReload"] == "/bin/kill -HUP $MAINPID"


def test_a_service_may_drain_before_it_is_killed() -> None:
    settings = RelaySettings()
    drain = settings.drain_seconds + settings.close_seconds
    assert int(dict(directives(RELAY))["TimeoutStopSec"]) > drain


def test_the_sockets_have_the_names_that_our_processes_take() -> None:
    names = {u: dict(directives(u))["FileDescriptorName"] for u in UNITS if u.suffix == ".socket"}
    assert {unit.name: name for unit, name in names.items()} == {
        "peerpostd.socket": DAEMON_SOCKET,
        "peerpost-relay.socket": RELAY_SOCKET,
    }


@needs_analyze
@needs_root
async def test_both_services_work_with_what_their_units_leave_them(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("data", "run", "relay")]
    for place in places:
        place.mkdir(mode=0o700)
    data, run, store = places
    credentials = tmp_path / "credentials"
    credentials.mkdir(mode=0o700)
    (credentials / "peerpost-passphrase").write_text("correct horse")
    serve = ("serve", "--data", store, "--listen", "127.0.0.1:0", "--allow-without-token")
    async with managed(
        "peerpost-relay", *serve, address=str(tmp_path / "r"), before=confined(RELAY, [store])
    ) as relay:
        where = (await relay.tells("READY=1"))[1].rpartition(" ")[2]
        options = ("--data", data, "--socket", run / "s", "--relay", f"ws://{where}")
        async with (
            managed(
                "peerpostd",
                *options,
                address=str(tmp_path / "d"),
                before=confined(DAEMON, [data, run]),
                CREDENTIALS_DIRECTORY=str(credentials),
                WATCHDOG_USEC="400000",
            ) as daemon,
            AsyncClient(str(run / "s")) as client,
        ):
            await daemon.tells("READY=1")
            account = await client.register("alice@example.org", timeout=20)
            assert account["state"] == "registered"
            await client.send(to="bob@example.org", text="queued")
            await daemon.tells("WATCHDOG=1")
            daemon.process.send_signal(signal.SIGTERM)
            assert await daemon.end() == 0
    assert (store / "relay.sqlite").exists()


@needs_analyze
@needs_root
async def test_what_a_unit_takes_away_is_really_gone(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    program = ATTEMPTS.format(inside=str(inside / "x"), outside=str(outside))
    before = [str(part) for part in confined(DAEMON, [inside])]
    done = await asyncio.create_subprocess_exec(*before, sys.executable, "-c", program)
    assert await done.wait() == 0
