import pytest
from sqlcipher3 import dbapi2

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.vault.faults import translated


def fault(code: int) -> Exception:
    error: Exception = dbapi2.OperationalError("planted")
    error.sqlite_errorcode = code  # type: ignore[attr-defined]  # as the engine sets it
    return translated(error)


@pytest.mark.parametrize("code", [13, 4874])
def test_no_space_is_storage_full_and_worth_a_retry(code: int) -> None:
    failure = fault(code)
    assert isinstance(failure, DaemonError)
    assert failure.kind == "storage_full"
    assert failure.retry_after


@pytest.mark.parametrize("code", [3, 5, 7, 8, 10, 10 | 4 << 8, 11, 14, 26, 522])
def test_a_fault_of_device_or_file_says_what_to_do(code: int) -> None:
    failure = fault(code)
    assert isinstance(failure, DaemonError)
    assert failure.kind == "storage_failed"
    assert str(code) in str(failure)


def test_a_wrong_statement_is_its_authors_and_stays_as_it_is() -> None:
    for error in (dbapi2.IntegrityError("x"), dbapi2.ProgrammingError("x"), KeyError("x")):
        assert translated(error) is error
