import pytest

from peerpost_daemon.errors import (
    ERROR_CODES,
    ERROR_MEANINGS,
    CallerGone,
    DaemonError,
    DaemonStartError,
)


def test_an_error_of_an_unknown_kind_cannot_be_made() -> None:
    with pytest.raises(KeyError, match="no kind 'nonsense'"):
        DaemonError("nonsense", "Nothing.")


def test_no_two_kinds_share_a_code() -> None:
    assert len(set(ERROR_CODES.values())) == len(ERROR_CODES)


def test_every_kind_has_a_sentence() -> None:
    assert set(ERROR_MEANINGS) == set(ERROR_CODES)
    assert all(text.endswith(".") for text in ERROR_MEANINGS.values())


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        ERROR_CODES["locked"] = 0  # type: ignore[index]  # the fault under test


def test_extra_data_does_not_replace_the_kind() -> None:
    error = DaemonError("locked", "Locked.", field="x", extra={"kind": "other", "more": 1})
    assert error.data() == {"kind": "locked", "field": "x", "more": 1}


def test_start_errors_have_kinds_of_their_own() -> None:
    assert DaemonStartError("socket_in_use", "In use.").kind == "socket_in_use"
    with pytest.raises(KeyError):
        DaemonStartError("locked", "Locked.")


def test_a_gone_caller_is_an_error_of_the_daemon() -> None:
    assert isinstance(CallerGone(), DaemonError)
