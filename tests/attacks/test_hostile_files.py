"""A lying sender and a lying relay attack who fetches files.

mallory names a blob whose plaintext, size, key or end is another than her message says, or a path for its name. The
relay brings other bytes, fewer, more, swapped chunks, or a wrong size. Each is refused with its reason and an event,
nothing of it stays on the disk, nothing of it can be read, and the next file arrives.
"""

import os
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records.files import FileState
from peerpost_protocol.content import File, Files
from peerpost_protocol.envelope import parse_envelope
from peerpost_protocol.file import CHUNK, FileSealer
from peerpost_protocol.frames import BlobPart, RelayFrame
from tests.attacks.scene import Scene, scene
from tests.relay.test_blobs import upload
from tests.support.filing import all_files, file_in, on_disk, plaintext
from tests.support.forgery import forged

DATA = os.urandom(2 * CHUNK + 100)
KEY = os.urandom(32)


def sealed(data: bytes, key: bytes = KEY) -> tuple[bytes, File]:
    sealer = FileSealer(key, os.urandom(24))
    blob = sealer.feed(data)
    rest, what = sealer.finish()
    return blob + rest, File(what.blob, key, what.size, what.sha256, "a.bin", "a/b", None)


def renamed(blob: bytes, file: File) -> File:
    return replace(file, blob=sha256(blob).digest())


async def mallory_sends(s: Scene, blob: bytes, file: File) -> None:
    await upload(s.client, s.channel, blob)
    to, place = (s.alice.card, s.bob.card), s.mallory.place(s.roster)
    envelope = forged(
        s.mallory.keys,
        s.mallory.card,
        to,
        place,
        content=lambda c: replace(c, body=Files("look", (file,))),
    )
    await s.client.publish(envelope)
    s.mallory.chains[s.channel] = (place.sequence, parse_envelope(envelope).id)


def short(blob: bytes, file: File) -> tuple[bytes, File]:
    cut = blob[:-200] + b"\0" * 200
    return cut, renamed(cut, file)


def swapped(blob: bytes, file: File) -> tuple[bytes, File]:
    size = CHUNK + 17
    other = (
        blob[:24] + blob[24 + size : 24 + 2 * size] + blob[24 : 24 + size] + blob[24 + 2 * size :]
    )
    return other, renamed(other, file)


LIES: dict[str, tuple[Callable[[bytes, File], tuple[bytes, File]], str]] = {
    "another hash of the plaintext": (
        lambda b, f: (b, replace(f, sha256=bytes(32))),
        "file_sha256",
    ),
    "another key": (lambda b, f: (b, replace(f, key=bytes(32))), "file_tag"),
    "a smaller size": (lambda b, f: (b, replace(f, size=f.size - 1)), "file_size"),
    "a huge size": (lambda b, f: (b, replace(f, size=f.size + 1)), "file_size"),
    "a broken end": (short, "file_tag"),
    "swapped chunks": (swapped, "file_tag"),
}


@pytest.mark.parametrize(("lie", "reason"), LIES.values(), ids=LIES)
async def test_a_file_that_is_not_what_its_message_says_is_refused(
    tmp_path: Path, lie: Callable[[bytes, File], tuple[bytes, File]], reason: str
) -> None:
    async with scene(tmp_path) as s:
        await mallory_sends(s, *lie(*sealed(DATA)))
        told = await s.bob.told("file", state="refused")
        assert (told["reason"], told["done"]) == (reason, 0)
        refused = await file_in(s.bob, FileState.REFUSED)
        assert on_disk(s.bob) == []
        with pytest.raises(DaemonError):
            plaintext(s.bob, refused)


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (lambda part: replace(part, data=bytes(len(part.data))), "file_tag"),
        (lambda part: replace(part, data=part.data[:-1]), "file_size"),
        (lambda part: replace(part, data=part.data + b"x"), "file_size"),
        (lambda part: replace(part, data=b""), "file_size"),
        (lambda part: replace(part, size=part.size + 1), "file_size"),
        (lambda part: replace(part, offset=part.offset + 1), "file_size"),
    ],
    ids=["zeroes", "cut", "extended", "nothing", "another size", "another place"],
)
async def test_a_relay_that_brings_other_bytes_is_found_out(
    tmp_path: Path, lie: Callable[[BlobPart], BlobPart], reason: str
) -> None:
    async with scene(tmp_path) as s:

        def say(_ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
            return [lie(said) if isinstance(said, BlobPart) else said]

        s.relay.say = say
        await mallory_sends(s, *sealed(DATA))
        assert (await s.bob.told("file", state="refused"))["reason"] == reason
        assert on_disk(s.bob) == []


async def test_the_last_byte_of_the_last_chunk_counts(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        blob, file = sealed(DATA)
        other = blob[:-1] + bytes([blob[-1] ^ 1])
        s.relay.say = lambda _ear, said: [
            replace(said, data=other[said.offset :]) if isinstance(said, BlobPart) else said
        ]
        await mallory_sends(s, blob, file)
        assert (await s.bob.told("file", state="refused"))["reason"] == "file_hash"


async def test_a_good_file_after_bad_ones_arrives_under_a_harmless_name(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        blob, file = sealed(DATA)
        await mallory_sends(s, blob, replace(file, sha256=bytes(32)))
        second, honest = sealed(DATA)
        await mallory_sends(s, second, replace(honest, name="../../.bashrc\x1b[2J\u202e"))
        good = await file_in(s.bob, FileState.HERE, 1)
        assert plaintext(s.bob, good) == DATA
        assert good.name == "_.._.bashrc[2J"


async def test_a_blob_that_the_relay_does_not_have_is_gone(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        _, file = sealed(DATA)
        other, _ = sealed(b"something else")
        await mallory_sends(s, other, file)
        told = await s.bob.told("file", state="gone")
        assert told["reason"] == "unknown_blob"


async def test_files_without_end_do_not_fill_the_disk(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        assert s.bob.engine.files is not None
        s.bob.engine.files._fetches.max_bytes = 3 * len(DATA)
        for _ in range(5):
            await mallory_sends(s, *sealed(DATA))
        await s.bob.until(lambda db: len(all_files(db)) == 5)
        await file_in(s.bob, FileState.HERE, 2)
        states = [file.state for file in await s.bob.read(all_files)]
        assert states == [FileState.HERE] * 3 + [FileState.OFFERED] * 2
