"""Read the first two elements of an array that does not decode: its tag and its number.

Attacker: whoever may send a frame. A frame of 1 MiB can hold a million empty arrays, and to decode it whole, only to
name what is wrong with it, would build them all. So the elements in front are cut out by hand, and msgspec sees those.
"""

import msgspec

from peerpost_protocol.limits import MAX_REQUEST

_STRING_HEADS = {0xD9: 1, 0xDA: 2, 0xDB: 4}  # str 8, 16 and 32: bytes of the length
_ARRAY_HEADS = {0xDC: 2, 0xDD: 4}  # array 16 and 32
_INTEGERS = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_LONGEST_TAG = 64  # bytes


def tag_of(data: bytes) -> str | None:
    """Return the first element of an array when it is a short string."""
    found = _tag(data)
    return found[0] if found else None


def request_of(data: bytes) -> int:
    """Return the second element of an array behind a tag when it numbers a request, 0 otherwise."""
    found = _tag(data)
    if found is None or found[1] < 2:
        return 0
    number = _integer(data, found[2])
    return number if 0 <= number <= MAX_REQUEST else 0


def _tag(data: bytes) -> tuple[str, int, int] | None:
    """Return the tag, the number of elements, and where the second one begins."""
    array = _counted(data, 0, 0x90, 0x0F, _ARRAY_HEADS)
    string = _counted(data, array[1], 0xA0, 0x1F, _STRING_HEADS) if array and array[0] else None
    if array is None or string is None or string[0] > _LONGEST_TAG:
        return None
    end = string[1] + string[0]
    try:
        return data[string[1] : end].decode(), array[0], end
    except UnicodeDecodeError:
        return None


def _counted(
    data: bytes, at: int, short: int, bits: int, heads: dict[int, int]
) -> tuple[int, int] | None:
    """Return the count in the head of an array or a string, and where what it counts begins."""
    if at >= len(data):
        return None
    first = data[at]
    if first & ~bits & 0xFF == short:
        return first & bits, at + 1
    width = heads.get(first)
    if width is None:
        return None
    return int.from_bytes(data[at + 1 : at + 1 + width], "big"), at + 1 + width


def _integer(data: bytes, at: int) -> int:
    width = _INTEGERS.get(data[at], 0) if at < len(data) else 0
    try:
        return msgspec.msgpack.decode(data[at : at + 1 + width], type=int)
    except msgspec.DecodeError:
        return -1
