"""A mutation fuzzer: valid inputs, changed a little, thrown at a parser.

Half of the mutations change bytes; the others decode the input (msgpack or JSON), change the tree
and encode it again, which gets past the first checks. The same seed gives the same inputs. Nothing
but the parser's own errors may come out, within a bound of time; memory is looked at over the whole
run. Atheris is not needed: our parsers are msgspec's C code, where coverage of Python says little.
"""

import base64
import gc
import random
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.faults.parser import Parser

LONGEST_SECONDS = 0.25  # of processor time, for one input
MOST_GROWN_BYTES = 96 * 2**20  # of resident memory, for a whole run
LONGEST_INPUT = 4096
MOST_MUTATIONS = 4
BYTES = (0x00, 0x01, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC4, 0xC6, 0xCA, 0xCF, 0xD3,
         0xD9, 0xDC, 0xDD, 0xDE, 0xDF, 0xE0, 0xFF, 0x22, 0x5B, 0x7B)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 0.5, float("inf"), "", "x", "\x00", "é" * 40,
    "a@b", [], [[]], {}, {"a": 1}, "hello", "publish", "create", "text", "x" * 300,
)  # fmt: skip
BINARY: tuple[bytes, ...] = (b"", bytes(32), bytes(31), b"\xff" * 32, b"x" * 300)

Rewrite = Callable[[Any], bytes]


@dataclass
class Finding:
    """Be an input that did what it must not; `replay` is it in base64."""

    parser: str
    what: str
    replay: str


@dataclass
class Fuzzed:
    """Be what so many runs of one parser gave."""

    parser: str
    runs: int = 0
    refused: int = 0
    seconds: float = 0.0
    longest_seconds: float = 0.0
    grown_bytes: int = 0
    findings: list[Finding] = field(default_factory=list)


def fuzz(parser: Parser, runs: int, seed: int) -> Fuzzed:
    """Throw so many inputs at a parser; return what came of it."""
    dice = random.Random(f"{parser.name} {seed}")
    done = Fuzzed(parser.name)
    before = _resident()
    began = time.monotonic()
    clock, parse, errors = time.thread_time, parser.parse, parser.errors
    gc.collect()
    gc.freeze()  # a look at all that the tests before have left behind is no parser's time
    for _ in range(runs):
        data = mutated(parser, dice)
        start = clock()
        try:
            parse(data)
        except errors:
            done.refused += 1
        except Exception as error:  # noqa: BLE001  whatever else comes out is what we look for
            done.findings.append(_finding(parser, f"{type(error).__name__}: {error}", data))
        took = clock() - start
        if took > done.longest_seconds:
            done.longest_seconds = took
            if took > LONGEST_SECONDS:
                done.findings.append(_finding(parser, f"took {took:.2f} s", data))
    gc.unfreeze()
    done.runs = runs
    done.seconds = time.monotonic() - began
    done.grown_bytes = max(0, _resident() - before)
    if done.grown_bytes > MOST_GROWN_BYTES:
        done.findings.append(Finding(parser.name, f"grew by {done.grown_bytes} bytes", ""))
    return done


def mutated(parser: Parser, dice: random.Random) -> bytes:
    """Return one valid input of a parser, changed."""
    data = dice.choice(parser.seeds)
    if dice.random() < 0.5:
        data = _with_other_tree(data, dice, text=parser.text)
        if dice.random() < 0.7:
            return data[:LONGEST_INPUT]
    changed = bytearray(data)
    for _ in range(dice.randint(1, MOST_MUTATIONS)):
        _change(changed, dice, parser)
    return bytes(changed[:LONGEST_INPUT])


def _change(data: bytearray, dice: random.Random, parser: Parser) -> None:
    at = dice.randrange(len(data) + 1)
    match dice.randrange(7):
        case 0 if at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        case 1 if at < len(data):
            data[at] = dice.choice(BYTES)
        case 2:
            data[at:at] = bytes([dice.choice(BYTES)])
        case 3:
            del data[at : at + dice.randint(1, 8)]
        case 4:
            data[at:at] = data[at : at + dice.randint(1, 64)]
        case 5:
            del data[at:]
        case _:
            other = dice.choice(parser.seeds)
            start = dice.randrange(len(other) + 1)
            data[at:] = other[start : start + 256]


def _with_other_tree(data: bytes, dice: random.Random, *, text: bool) -> bytes:
    """Return the input with one node of its tree replaced, doubled or taken away."""
    codec = msgspec.json if text else msgspec.msgpack
    try:
        tree = codec.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return data
    try:
        return bytes(codec.encode(_other(tree, dice, text=text)))
    except (ValueError, OverflowError, TypeError):
        return data


def _other(tree: Any, dice: random.Random, *, text: bool) -> Any:
    if isinstance(tree, list) and tree and dice.random() < 0.8:
        at = dice.randrange(len(tree))
        return _other_list(tree, at, dice, text=text)
    if isinstance(tree, dict) and tree and dice.random() < 0.8:
        key = dice.choice(list(tree))
        if dice.random() < 0.2:
            return {k: v for k, v in tree.items() if k != key}
        return tree | {key: _other(tree[key], dice, text=text)}
    if isinstance(tree, bytes) and tree and dice.random() < 0.5:
        at = dice.randrange(len(tree))
        return tree[:at] + bytes([dice.randrange(256)]) + tree[at + dice.randrange(3) :]
    return dice.choice(VALUES if text else VALUES + BINARY)


def _other_list(tree: list[Any], at: int, dice: random.Random, *, text: bool) -> list[Any]:
    what = dice.random()
    if what < 0.1:
        return tree[:at] + tree[at + 1 :]
    if what < 0.2:
        return [*tree, tree[at]]
    if what < 0.25:
        return tree * dice.randint(2, 200)
    return [*tree[:at], _other(tree[at], dice, text=text), *tree[at + 1 :]]


def _finding(parser: Parser, what: str, data: bytes) -> Finding:
    return Finding(parser.name, what, base64.b64encode(data).decode())


def _resident() -> int:
    """Return the most memory that this process ever occupied."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
