"""The command `scripts/generate`."""

import argparse
import sys

from scripts.generation.documents import outdated, write


def main() -> int:
    """Write, or check; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when outdated")
    if not parser.parse_args().check:
        print(*write(), sep="\n")
        return 0
    paths = outdated()
    if paths:
        print("run scripts/generate:", *paths, file=sys.stderr)
    return 1 if paths else 0


if __name__ == "__main__":
    sys.exit(main())
