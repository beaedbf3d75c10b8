"""The table of faults and tests in README.md names every attack here, and nothing that is not here."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent


def test_the_table_names_every_file_of_this_folder() -> None:
    listed = set(re.findall(r"`(test_\w+)`", (FOLDER / "README.md").read_text()))
    there = {path.stem for path in FOLDER.glob("test_*.py")} - {Path(__file__).stem}
    assert listed == there
