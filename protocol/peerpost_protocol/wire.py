"""Bytes to typed structs and back: strict msgpack, with errors that name the field.

Structs of the wire are array-like: a msgpack array whose elements are the fields in their order, preceded by the tag
where a union needs one. Every element is required; more or fewer are refused, and so are bytes behind the array.
"""

import re
from typing import Annotated, Any, Generic, TypeVar, get_args

import msgspec
from msgspec import Meta, Struct

from peerpost_protocol import limits
from peerpost_protocol.errors import MalformedError, TooLargeError
from peerpost_protocol.head import tag_of

Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
Nonce = Annotated[bytes, Meta(min_length=32, max_length=32)]
SignatureBytes = Annotated[bytes, Meta(min_length=64, max_length=64)]
MessageId = Annotated[bytes, Meta(min_length=16, max_length=16)]
Counter = Annotated[int, Meta(ge=0, le=limits.MAX_COUNTER)]
Milliseconds = Annotated[int, Meta(ge=0, le=limits.MAX_COUNTER)]

T = TypeVar("T")
_encoder = msgspec.msgpack.Encoder()
_PATH = re.compile(r" - at `\$((?:\[[^\]]*\]|\.\w+)*)`$")
_STEP = re.compile(r"\[(\d+)\]")
_MISSING = re.compile(r"^Expected `array` of at least length \d+, got (\d+)$")


class WireStruct(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Be the base of what travels: immutable, array-like, exact in length."""


def encode(value: Struct | tuple[Any, ...], *, limit: int = limits.MAX_FRAME) -> bytes:
    """Encode a struct of the wire.

    Raise TooLargeError when it is over `limit` bytes, MalformedError for text or numbers that msgpack cannot carry.
    """
    try:
        data = _encoder.encode(value)
    except UnicodeEncodeError:
        raise MalformedError("malformed", "text holds a lone surrogate") from None
    except OverflowError:
        raise MalformedError("malformed", "an integer is outside 64 bits") from None
    if len(data) > limit:
        raise TooLargeError("too_large", f"{len(data)} bytes are over the bound of {limit}")
    return data


class Decoder(Generic[T]):
    """Decode one kind of struct, or a union of tagged ones, from untrusted bytes."""

    __slots__ = ("_by_tag", "_decoder", "_limit", "_noun", "_type")

    def __init__(self, type_: Any, noun: str, limit: int) -> None:  # noqa: ANN401  a union is no type
        self._type = type_
        self._noun = noun
        self._limit = limit
        self._by_tag = {
            kind.__struct_config__.tag: kind
            for kind in get_args(type_)
            if hasattr(kind, "__struct_config__")
        }
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(type_)

    def __call__(self, data: bytes) -> T:
        """Return the struct; raise MalformedError naming the field that is wrong."""
        if len(data) > self._limit:
            raise MalformedError(
                "too_large",
                f"{len(data)} bytes are over the bound of {self._limit}",
                field=self._noun,
            )
        try:
            return self._decoder.decode(data)
        except msgspec.ValidationError as error:
            raise self._named(str(error), data) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedError(
                "malformed", str(error).removesuffix("."), field=self._noun
            ) from None

    def _named(self, message: str, data: bytes) -> MalformedError:
        """Turn the place that msgspec gives by number into the field's name."""
        found = _PATH.search(message)
        reason = message[: found.start()] if found else message
        steps = _STEP.findall(found.group(1)) if found else []
        if absent := _MISSING.match(reason):
            steps.append(absent.group(1))  # the first element that is not there
        name = self._field(steps, data)
        return MalformedError(
            "malformed", reason, field=f"{self._noun}.{name}" if name else self._noun
        )

    def _field(self, steps: list[str], data: bytes) -> str:
        if not steps:
            return ""
        struct, first = self._type, int(steps[0])
        if self._by_tag:
            if first == 0:
                return "tag"
            struct = self._by_tag.get(tag_of(data))
            first -= 1
        fields = getattr(struct, "__struct_fields__", ())
        if first >= len(fields):
            return ""
        name: str = fields[first]
        return name + "".join(f"[{step}]" for step in steps[1:])
