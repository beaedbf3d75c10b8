"""The bulk of a backup: whole, in order, of one backup, or nothing."""

import os

import pytest

from peerpost_protocol import limits
from peerpost_protocol.backup import CHUNK, Opener, Sealer, make_header, parse_preamble
from peerpost_protocol.errors import DecryptionError, MalformedError, TooLargeError
from tests.support.backups import HEADER, KEY, bulk, message, opened, records, whole

SEALED = CHUNK + 17


@pytest.mark.parametrize("messages", [0, 1, 400])
@pytest.mark.parametrize("piece", [1_000, SEALED, 10_000_000])
def test_what_was_sealed_comes_back(messages: int, piece: int) -> None:
    said = records(messages, 1_000)
    assert opened(whole(said), piece=piece) == said


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_a_bulk_that_fills_its_chunks_to_the_byte_comes_back(extra: int) -> None:
    room = SEALED - len(bulk(records(1, 60_000)))
    said = records(1, 60_000 + room + extra)
    assert len(bulk(said)) == SEALED + extra + (17 if extra > 0 else 0)
    assert opened(whole(said)) == said


def test_chunks_that_changed_places_do_not_open() -> None:
    data = bulk(records(300, 1_000))
    swapped = data[SEALED : 2 * SEALED] + data[:SEALED] + data[2 * SEALED :]
    with pytest.raises(DecryptionError, match="damaged_backup"):
        Opener(KEY, HEADER).feed(swapped)


@pytest.mark.parametrize("kept", [0, 1, 17, SEALED - 1, SEALED, SEALED + 1, 2 * SEALED])
def test_an_end_that_was_cut_off_is_missed(kept: int) -> None:
    opener = Opener(KEY, HEADER)
    opener.feed(bulk(records(300, 1_000))[:kept])
    with pytest.raises(DecryptionError, match="damaged_backup"):
        opener.finish()


def test_nothing_may_follow_the_last_chunk() -> None:
    data = bulk(records(100, 1_000))
    with pytest.raises(DecryptionError, match="damaged_backup"):
        Opener(KEY, HEADER).feed(data + data[:SEALED])


def test_the_header_belongs_to_every_chunk() -> None:
    other = make_header(os.urandom(16), bytes(range(24)))
    opener = Opener(KEY, other)
    opener.feed(bulk(records()))
    with pytest.raises(DecryptionError, match="damaged_backup"):
        opener.finish()


def test_a_record_over_its_bound_is_refused() -> None:
    with pytest.raises(TooLargeError):
        Sealer(KEY, HEADER).add(message(1, limits.MAX_BACKUP_RECORD + 1))


def test_a_backup_over_its_bound_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BACKUP", 1_000)
    with pytest.raises(MalformedError, match="too_large"):
        Opener(KEY, HEADER).feed(bytes(1_001))


def test_what_is_no_backup_is_refused_by_name() -> None:
    for data in (b"", b"peerpost backup 2\n", whole(records())[:60]):
        with pytest.raises(MalformedError):
            parse_preamble(data)


def test_a_record_shows_no_key() -> None:
    assert str(records()[0]).find("DeviceRecord>") > 0
