"""The lock of a backup: one passphrase, one header, bounded costs."""

import msgspec
import pytest

from peerpost_protocol import limits
from peerpost_protocol.backup import BackupLock, decode_lock, encode_lock, make_header, unlock_key
from peerpost_protocol.errors import DecryptionError, MalformedError
from tests.support.backups import HEADER, KEY, PASSPHRASE, lock


def test_the_passphrase_gives_the_key_back() -> None:
    assert unlock_key(lock(), PASSPHRASE, HEADER) == KEY


def test_a_wrong_passphrase_is_named() -> None:
    with pytest.raises(DecryptionError) as error:
        unlock_key(lock(), b"correct horse battery stable", HEADER)
    assert error.value.kind == "wrong_passphrase"


def test_a_lock_fits_its_own_header_only() -> None:
    with pytest.raises(DecryptionError) as error:
        unlock_key(lock(), PASSPHRASE, make_header(bytes(16), bytes(24)))
    assert error.value.kind == "damaged_backup"


def test_another_passphrase_is_another_lock_for_the_same_key() -> None:
    assert unlock_key(lock(b"another one"), b"another one", HEADER) == KEY
    with pytest.raises(DecryptionError):
        unlock_key(lock(b"another one"), PASSPHRASE, HEADER)


def test_what_another_passphrase_wrapped_does_not_open_under_a_borrowed_commitment() -> None:
    mixed = msgspec.structs.replace(lock(), wrapped=lock(b"another one").wrapped)
    with pytest.raises(DecryptionError) as error:
        unlock_key(mixed, PASSPHRASE, HEADER)
    assert error.value.kind == "damaged_backup"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("opslimit", limits.MAX_BACKUP_PASSES + 1),
        ("opslimit", 0),
        ("memlimit", limits.MAX_BACKUP_MEMORY + 1),
        ("memlimit", 1),
    ],
)
def test_costs_outside_their_bounds_are_refused_before_they_are_spent(
    field: str, value: int
) -> None:
    fields = msgspec.structs.asdict(lock()) | {field: value}
    with pytest.raises(MalformedError) as error:
        decode_lock(encode_lock(BackupLock(**fields)))
    assert error.value.field == f"lock.{field}"


def test_a_lock_shows_no_key() -> None:
    assert KEY.hex() not in repr(lock())
