"""scripts/install into the root of an image: what it writes, what it leaves alone, what it takes away again."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PREFIX = "opt/peerpost"
COMMANDS = {"peerpost", "peerpostd", "peerpost-relay"}
UNIT = "etc/systemd/system/peerpostd.service"
HOME = "srv/alice"
SHARED = {
    "share/peerpost/openrpc.json",
    "share/peerpost/schemas.json",
    *(path.relative_to(ROOT).as_posix() for path in (ROOT / "share").rglob("*") if path.is_file()),
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Be a wheel that needs no network: a name, three commands, nothing else."""
    built = tmp_path_factory.mktemp("wheel") / "peerpost-0-py3-none-any.whl"
    commands = "".join(f"{command} = told:main\n" for command in sorted(COMMANDS))
    about = {
        "METADATA": "Metadata-Version: 2.1\nName: peerpost\nVersion: 0\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "entry_points.txt": f"[console_scripts]\n{commands}",
        "RECORD": "",
    }
    with ZipFile(built, "w") as archive:
        archive.writestr("told.py", "def main():\n    print('here I am')\n")
        for name, text in about.items():
            archive.writestr(f"peerpost-0.dist-info/{name}", text)
    return built


def run(image: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    home = {"HOME": f"/{HOME}", "XDG_CONFIG_HOME": "", "PIP_NO_INDEX": "1"}
    command = [sys.executable, ROOT / "scripts/install", "--root", image, *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=os.environ | home
    )


def install(image: Path, wheel: Path, *arguments: str) -> None:
    done = run(image, "--wheel", wheel, "--prefix", f"/{PREFIX}", *arguments)
    assert done.returncode == 0, done.stderr


def files_in(image: Path) -> set[str]:
    found = (path for path in image.rglob("*") if path.is_symlink() or path.is_file())
    return {path.relative_to(image).as_posix() for path in found}


def test_it_is_installed_updated_and_removed_without_a_trace(tmp_path: Path, wheel: Path) -> None:
    for _ in range(2):
        install(tmp_path, wheel)
    inside = {path for path in files_in(tmp_path) if not path.startswith(f"{PREFIX}/lib/")}
    units = {"peerpostd.service", "peerpostd.socket", "peerpost-relay.service"}
    assert inside == {
        *(f"{PREFIX}/bin/{command}" for command in COMMANDS),
        *(f"etc/systemd/system/{unit}" for unit in {*units, "peerpost-relay.socket"}),
        "etc/sysusers.d/peerpostd.conf",
        "etc/sysusers.d/peerpost-relay.conf",
        *(f"{PREFIX}/{path}" for path in SHARED),
    }
    assert run(tmp_path, "--prefix", f"/{PREFIX}", "--remove").returncode == 0
    assert files_in(tmp_path) == set()


def test_commands_run_and_name_the_place_where_they_will_be(tmp_path: Path, wheel: Path) -> None:
    install(tmp_path, wheel)
    script = (tmp_path / PREFIX / "bin/peerpostd").resolve()
    first = script.read_text().partition("\n")[0]
    assert first.startswith(f"#!/{PREFIX}/lib/peerpost/bin/python")
    python = tmp_path / PREFIX / "lib/peerpost/bin/python"
    said = subprocess.run([python, script], check=True, capture_output=True, text=True)
    assert said.stdout == "here I am\n"


def test_units_start_what_was_installed(tmp_path: Path, wheel: Path) -> None:
    install(tmp_path, wheel)
    assert f"ExecStart=/{PREFIX}/bin/peerpostd --data" in (tmp_path / UNIT).read_text()


def test_a_user_gets_units_of_their_own_manager(tmp_path: Path, wheel: Path) -> None:
    assert run(tmp_path, "--user", "--wheel", wheel).returncode == 0
    unit = tmp_path / HOME / ".config/systemd/user/peerpostd.service"
    assert f"ExecStart=/{HOME}/.local/bin/peerpostd $OPTIONS" in unit.read_text()
    assert not (tmp_path / "etc").exists()
    assert stat.S_IMODE((tmp_path / HOME / ".local/share/peerpost").stat().st_mode) == 0o700
    assert run(tmp_path, "--user", "--remove").returncode == 0
    assert files_in(tmp_path) == set()


def test_a_dry_run_says_everything_and_does_nothing(tmp_path: Path) -> None:
    said = run(tmp_path, "--dry-run")
    assert f"would write {tmp_path / UNIT}" in said.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_changed_unit_is_neither_overwritten_nor_removed(tmp_path: Path, wheel: Path) -> None:
    install(tmp_path, wheel)
    (tmp_path / UNIT).write_text("changed")
    again = run(tmp_path, "--wheel", wheel, "--prefix", f"/{PREFIX}")
    assert again.returncode == 1
    assert f"{UNIT} is not as we wrote it" in again.stderr
    removed = run(tmp_path, "--prefix", f"/{PREFIX}", "--remove")
    assert f"kept {tmp_path / UNIT}: it was changed" in removed.stdout
    assert files_in(tmp_path) == {UNIT}


@pytest.mark.parametrize("place", [f"{PREFIX}/bin/peerpost", f"{PREFIX}/lib/peerpost/x", UNIT])
def test_what_is_somebody_elses_is_not_touched(tmp_path: Path, wheel: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text("mine")
    assert run(tmp_path, "--wheel", wheel, "--prefix", f"/{PREFIX}").returncode == 1
    assert files_in(tmp_path) == {place}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--prefix", "/home/alice/peerpost"], "do not see /home"),
        (["--prefix", "relative"], "absolute path"),
        (["--prefix", "/opt/100%"], "absolute path"),
        (["--remove"], "nothing of ours is installed"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_done(
    tmp_path: Path, arguments: list[str], reason: str
) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 1
    assert reason in done.stderr
    assert list(tmp_path.iterdir()) == []
