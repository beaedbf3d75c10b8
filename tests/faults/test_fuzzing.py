"""A few thousand mutated inputs for every parser. Ten million of them: `scripts/faults fuzz`."""

import base64

import pytest

from tests.faults.fuzzing import fuzz
from tests.faults.parser import Parser
from tests.faults.parsers import PARSERS

RUNS, SLOW_RUNS = 3_000, 400
SHOWN = 2  # findings
# Starting points that are well-formed, and refused: unsigned, out of place, an error answer.
REFUSED = ("card", "link session", "JSON-RPC answer")


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_parser_raises_nothing_but_its_own_errors(parser: Parser) -> None:
    done = fuzz(parser, SLOW_RUNS if parser.slow else RUNS, seed=1)
    assert not done.findings[:SHOWN]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_what_the_fuzzer_starts_from_is_valid(parser: Parser) -> None:
    for seed in parser.seeds:
        if parser.name not in REFUSED:
            parser.parse(seed)


def test_the_fuzzer_finds_a_planted_fault() -> None:
    def careless(data: bytes) -> int:
        return data[3]

    done = fuzz(Parser("careless", careless, [b"1234"]), 500, seed=1)
    assert done.findings
    assert {finding.what for finding in done.findings} == {"IndexError: index out of range"}
    with pytest.raises(IndexError):
        careless(base64.b64decode(done.findings[0].replay))
