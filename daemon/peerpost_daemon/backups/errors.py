"""What is wrong with a backup, as callers of the daemon know it."""

from collections.abc import Iterator
from contextlib import contextmanager

from peerpost_daemon.errors import DaemonError
from peerpost_protocol.errors import ProtocolError

_KINDS = {"wrong_passphrase": "wrong_passphrase", "too_large": "too_large"}


def bad_backup(sentence: str) -> DaemonError:
    """Return the error of a backup that cannot be used."""
    return DaemonError("bad_backup", sentence)


@contextmanager
def named() -> Iterator[None]:
    """Raise DaemonError bad_backup, wrong_passphrase or too_large for what the format finds wrong."""
    try:
        yield
    except ProtocolError as error:
        sentence = f"{error.detail[:1].upper()}{error.detail[1:]}."
        # `from None`: the frames of the cause may hold keys.
        raise DaemonError(_KINDS.get(error.kind, "bad_backup"), sentence) from None
