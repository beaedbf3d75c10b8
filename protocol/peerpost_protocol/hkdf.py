"""HKDF-SHA256: extract, and expand to any length (RFC 5869)."""

from hmac import digest

from peerpost_protocol.errors import MalformedError

HASH_LENGTH = 32
MAXIMUM_EXPANDED = 255 * HASH_LENGTH


def extract(salt: bytes, ikm: bytes) -> bytes:
    """Return the 32-byte pseudorandom key of `ikm` (RFC 5869 section 2.2)."""
    return digest(salt, ikm, "sha256")


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """Return `length` bytes of key material, at most MAXIMUM_EXPANDED (RFC 5869 section 2.3).

    Raise MalformedError for a length that HKDF cannot give.
    """
    if not 0 <= length <= MAXIMUM_EXPANDED:
        raise MalformedError("bad_length", f"HKDF cannot give {length} bytes", field="length")
    block = digest(key, info + b"\x01", "sha256")
    blocks = [block]
    for counter in range(2, -(-length // HASH_LENGTH) + 1):
        block = digest(key, block + info + bytes((counter,)), "sha256")
        blocks.append(block)
    return b"".join(blocks)[:length]
