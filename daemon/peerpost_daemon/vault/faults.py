"""What the engine's faults mean for the vault's owner.

SQLCipher's exceptions are not ``sqlite3.Error``. They are translated here and nowhere else:

    no space                          -> DaemonError storage_full
    device, damage, rights, memory    -> DaemonError storage_failed
    the statement itself is wrong     -> unchanged: a constraint, bad SQL, a bug of the caller
"""

from __future__ import annotations

import errno

from sqlcipher3 import dbapi2

from peerpost_daemon.errors import DaemonError

FULL_RETRY_AFTER = 30.0  # seconds: space does not come back by itself
_FULL = "the disk that holds the vault is full: free some space and try again"

# SQLite: https://sqlite.org/rescode.html. The low byte is the primary result code.
_EngineError: type[Exception] = dbapi2.Error
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_PRIMARY = 0xFF
_SQLITE_FULL = 13
_IOERR_SHMSIZE = 4874  # the shared-memory file could not grow: in practice, no space
_SENTENCES = {
    3: "the vault may not be accessed: check owner and mode of its files",
    5: "the vault is in use by another process: end it and try again",
    6: "the vault is in use by another connection: try again",
    7: "there is not enough memory to use the vault",
    8: "the vault cannot be written: check owner and mode of its files and that the disk is not "
    "mounted read-only",
    10: "the vault cannot be read or written: check the disk, its quota and the system's log",
    11: "the vault is damaged: stop the daemon, copy its files away, and restore a backup",
    14: "the vault's files cannot be opened: check owner and mode of them and of their directory",
    15: "the vault's locks do not work: keep it on a local file system",
    22: "the vault is too large for its file system",
    26: "the vault does not open with this key: it is damaged, or the key file is another vault's",
}


def disk_fault(what: str, error: OSError) -> DaemonError:
    """Return the DaemonError for a file operation the system refused; `what` names the file."""
    if error.errno in _NO_SPACE:
        return DaemonError("storage_full", f"{what}: {_FULL}", retry_after=FULL_RETRY_AFTER)
    return DaemonError("storage_failed", f"{what}: {error.strerror}")


def translated(error: Exception) -> Exception:
    """Return the DaemonError for a fault of the engine, and any other exception unchanged."""
    if not isinstance(error, _EngineError):
        return error
    code: int = getattr(error, "sqlite_errorcode", 0)
    if code & _PRIMARY == _SQLITE_FULL or code == _IOERR_SHMSIZE:
        return DaemonError("storage_full", _FULL, retry_after=FULL_RETRY_AFTER)
    sentence = _SENTENCES.get(code & _PRIMARY)
    if sentence is None:
        return error
    return DaemonError("storage_failed", f"{sentence} (SQLite code {code})")
