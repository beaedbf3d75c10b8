"""Fuzz one parser with atheris, which steers by coverage; it ends its process, so it is one.

    python -m tests.faults.guided PARSER RUNS SEED

Prints atheris's own lines; exit code 0: nothing but the parser's own errors came out.
"""

import importlib.util
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

INSTRUMENTED = ["peerpost_protocol", "peerpost_daemon", "peerpost_relay", "peerpost"]
LONGEST_INPUT = 4096
LONGEST_SECONDS = 5  # for one input
MOST_MEGABYTES = 1024


def installed() -> bool:
    """Tell whether atheris is there."""
    return importlib.util.find_spec("atheris") is not None


def main(arguments: list[str]) -> None:
    """Run; never returns."""
    import atheris  # type: ignore[import-untyped]  # noqa: PLC0415 - only this process needs it

    name, runs, seed = arguments
    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.faults.parsers import PARSERS  # noqa: PLC0415 - instrumented
    parser = next(parser for parser in PARSERS if parser.name == name)
    corpus = Path(tempfile.mkdtemp(prefix="peerpost-fuzz-"))
    for number, valid in enumerate(parser.seeds):
        (corpus / str(number)).write_bytes(valid)

    def one(data: bytes) -> None:
        with suppress(*parser.errors):
            parser.parse(data)

    bounds = [f"-max_len={LONGEST_INPUT}", f"-timeout={LONGEST_SECONDS}", "-verbosity=0"]
    limits = [f"-rss_limit_mb={MOST_MEGABYTES}", f"-runs={runs}", f"-seed={seed}"]
    atheris.Setup([sys.argv[0], *bounds, *limits, "-print_final_stats=1", str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
