"""The wheel holds our four packages, every file of theirs, the commands, manuals and completions, and nothing else."""

import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "peerpost": ROOT / "daemon",
    "peerpost_daemon": ROOT / "daemon",
    "peerpost_protocol": ROOT / "protocol",
    "peerpost_relay": ROOT / "relay",
}
DATA = ".data/data/"
COMMANDS = {"peerpost", "peerpostd", "peerpost-relay"}
NOT_SOURCES = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy: a `build` folder left in the tree would put stale files in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=NOT_SOURCES)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", f"--outdir={folder}"]
    result = subprocess.run(
        [*build, str(folder / "source")], check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = folder.glob("*.whl")
    return built


def names_in(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def console_scripts_of(wheel: Path) -> dict[str, str]:
    """Return the commands and the `module:function` each one starts."""
    (name,) = (name for name in names_in(wheel) if name.endswith(".dist-info/entry_points.txt"))
    entry_points = ConfigParser()
    with ZipFile(wheel) as archive:
        entry_points.read_string(archive.read(name).decode())
    return dict(entry_points["console_scripts"])


def files_in_the_tree() -> set[str]:
    return {
        path.relative_to(root).as_posix()
        for package, root in PACKAGES.items()
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_the_four_packages_and_nothing_else(wheel: Path) -> None:
    held = {name for name in names_in(wheel) if ".dist-info/" not in name and DATA not in name}
    assert held == files_in_the_tree()


def test_the_wheel_holds_the_manuals_the_completions_and_the_interface(wheel: Path) -> None:
    held = {name.partition(DATA)[2] for name in names_in(wheel) if DATA in name}
    made = {path.relative_to(ROOT).as_posix() for path in (ROOT / "share").rglob("*.[158]")}
    made |= {f"share/fish/vendor_completions.d/{command}.fish" for command in COMMANDS}
    made |= {f"share/bash-completion/completions/{command}" for command in COMMANDS}
    made |= {f"share/zsh/site-functions/_{command}" for command in COMMANDS}
    assert held == made | {"share/peerpost/openrpc.json", "share/peerpost/schemas.json"}


def test_every_package_tells_type_checkers_that_it_is_typed(wheel: Path) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= names_in(wheel)


def test_the_wheel_installs_the_three_commands(wheel: Path) -> None:
    assert console_scripts_of(wheel).keys() == COMMANDS


def test_every_command_starts_in_a_module_of_the_wheel(wheel: Path) -> None:
    for target in console_scripts_of(wheel).values():
        module = target.partition(":")[0].replace(".", "/")
        assert names_in(wheel) & {f"{module}.py", f"{module}/__init__.py"}, target
