"""A parser under test: what it is given, and what it may raise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from peerpost_protocol.errors import ProtocolError


@dataclass(frozen=True)
class Parser:
    """Be one of them; `text`: its input is JSON or text, not msgpack. `slow`: cryptography inside."""

    name: str
    parse: Callable[[bytes], Any]
    seeds: Sequence[bytes]
    errors: tuple[type[Exception], ...] = (ProtocolError,)
    text: bool = False
    slow: bool = False
