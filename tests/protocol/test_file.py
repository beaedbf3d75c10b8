"""Files: every size comes back, in whatever pieces; nothing cut, exchanged or appended opens."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerpost_protocol.errors import DecryptionError
from peerpost_protocol.file import CHUNK, FileOpener, FileSealer, SealedFile, blob_size

VECTORS = Path(__file__).parents[1] / "vectors" / "files.json"
KEY, HEADER = bytes(range(32)), bytes(range(100, 124))
SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7)
SEALED_CHUNK = CHUNK + 17


def plaintext(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def sealed(data: bytes, step: int = CHUNK) -> tuple[bytes, SealedFile]:
    sealer = FileSealer(KEY, HEADER)
    parts = [sealer.feed(data[at : at + step]) for at in range(0, len(data), step)]
    rest, what = sealer.finish()
    return b"".join(parts) + rest, what


def opened(blob: bytes, what: SealedFile, step: int = 100_000, key: bytes = KEY) -> bytes:
    opener = FileOpener(key, what)
    parts = [opener.feed(blob[at : at + step]) for at in range(0, len(blob), step)]
    return b"".join(parts) + opener.finish()


def fault(blob: bytes, what: SealedFile, key: bytes = KEY) -> str:
    with pytest.raises(DecryptionError) as refused:
        opened(blob, what, key=key)
    return refused.value.kind


def renamed(blob: bytes, what: SealedFile) -> SealedFile:
    """Be a sender who lies consistently: the id fits the bytes."""
    return SealedFile(sha256(blob).digest(), len(blob), what.sha256, what.size)


@pytest.mark.parametrize("size", SIZES)
def test_every_size_comes_back(size: int) -> None:
    blob, what = sealed(plaintext(size))
    assert opened(blob, what) == plaintext(size)
    assert (len(blob), what.blob, what.size) == (blob_size(size), sha256(blob).digest(), size)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 3 * CHUNK), st.integers(1, 2 * CHUNK), st.integers(1, 2 * CHUNK))
def test_the_pieces_it_comes_in_do_not_matter(size: int, into: int, out: int) -> None:
    blob, what = sealed(plaintext(size), into)
    assert blob == sealed(plaintext(size))[0]
    assert opened(blob, what, out) == plaintext(size)


@pytest.mark.parametrize("vector", json.loads(VECTORS.read_text()), ids=lambda v: str(v["size"]))
def test_the_vectors_hold(vector: dict[str, str]) -> None:
    size = int(vector["size"])
    sealer = FileSealer(bytes.fromhex(vector["key"]), bytes.fromhex(vector["header"]))
    blob = sealer.feed(plaintext(size))
    rest, what = sealer.finish()
    assert (what.blob.hex(), what.sha256.hex()) == (vector["blob_sha256"], vector["sha256"])
    assert what.blob_size == int(vector["blob_size"])
    assert "blob" not in vector or (blob + rest).hex() == vector["blob"]


@pytest.mark.parametrize("cut", [1, 17, SEALED_CHUNK, 2 * SEALED_CHUNK])
def test_a_truncated_blob_is_refused_also_when_its_sender_names_it_so(cut: int) -> None:
    blob, what = sealed(plaintext(2 * CHUNK + 9))
    assert fault(blob[:-cut], what) == "file_size"
    assert fault(blob[:-cut], renamed(blob[:-cut], what)) == "file_tag"


def test_an_extended_blob_is_refused_also_when_its_sender_names_it_so() -> None:
    blob, what = sealed(plaintext(CHUNK))
    assert fault(blob + b"x", what) == "file_size"
    more = blob + blob[24:]
    assert fault(more, renamed(more, what)) == "file_tag"


def test_swapped_chunks_are_refused() -> None:
    blob, what = sealed(plaintext(3 * CHUNK))
    first, second = blob[24 : 24 + SEALED_CHUNK], blob[24 + SEALED_CHUNK : 24 + 2 * SEALED_CHUNK]
    swapped = blob[:24] + second + first + blob[24 + 2 * SEALED_CHUNK :]
    assert fault(swapped, renamed(swapped, what)) == "file_tag"


def test_other_bytes_another_key_and_another_file_are_refused() -> None:
    blob, what = sealed(plaintext(5))
    other = blob[:-1] + bytes([blob[-1] ^ 1])
    assert fault(other, what) == "file_hash"
    assert fault(other, renamed(other, what)) == "file_tag"
    assert fault(blob, what, bytes(32)) == "file_tag"
    lying = SealedFile(what.blob, what.blob_size, bytes(32), what.size)
    assert fault(blob, lying) == "file_sha256"


def test_a_size_that_is_not_the_files_is_refused() -> None:
    blob, what = sealed(plaintext(5))
    assert fault(blob, SealedFile(what.blob, len(blob), what.sha256, 6)) == "file_tag"
