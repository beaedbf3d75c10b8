"""Padmé padding: hide a length in few classes at a cost of at most 12 percent.

Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs",
PETS 2019, section 4: a length may keep only as many significant bits as its exponent needs, so
what leaks is O(log log n) bits. Short contents, whose length would tell most, share one class.
"""

from peerpost_protocol.errors import MalformedError

MINIMUM_PADDED = 256
END_OF_DATA = b"\x80"


def padme_length(n: int) -> int:
    """Return the smallest Padmé length that holds `n` bytes."""
    if n < 2:
        return n
    exponent = n.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (n + mask) & ~mask


def padded_length(n: int) -> int:
    """Return the length of what `pad` makes of `n` bytes."""
    return max(MINIMUM_PADDED, padme_length(n + len(END_OF_DATA)))


def pad(data: bytes) -> bytes:
    """Return data ‖ 0x80 ‖ zeros, in one of the few lengths that padded contents have."""
    return (data + END_OF_DATA).ljust(padded_length(len(data)), b"\x00")


def unpad(padded: bytes) -> bytes:
    """Return the bytes that `pad` was given.

    Raise MalformedError when the end marker is missing, or when `pad` would have chosen another
    length: one content then has one padded form, and the length can carry no hidden message.
    """
    marked = padded.rstrip(b"\x00")
    if not marked.endswith(END_OF_DATA):
        raise MalformedError("bad_padding", "padding has no end-of-data marker", field="padding")
    data = marked.removesuffix(END_OF_DATA)
    if len(padded) != padded_length(len(data)):
        raise MalformedError("bad_padding", "padding has the wrong length", field="padding")
    return data
