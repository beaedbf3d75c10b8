"""Everything that may be set, and where it comes from: options, environment, one TOML file, in this order.

docs/configuration.md is made from the structs.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

from peerpost_daemon.access import settings as access
from peerpost_daemon.accounts import settings as accounts
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.hooks import settings as hooks
from peerpost_daemon.settings import DaemonSettings, default_data, default_socket
from peerpost_protocol import configuration
from peerpost_protocol.configuration import Live
from peerpost_protocol.errors import MalformedError

PREFIX: Final = "PEERPOSTD_"
FILE_VARIABLE: Final = "PEERPOSTD_CONFIG"
SYSTEM_FILE: Final = Path("/etc/peerpost/peerpostd.toml")
TITLE: Final = (
    "The configuration of peerpostd. Options and environment variables (PEERPOSTD_ and the setting's name in "
    "capitals) win over it. Every line that begins with # and a name is the default."
)


class DaemonConfiguration(DaemonSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Be what `peerpostd` is started with."""

    passphrase_file: Path | None = None  # a private file with the passphrase
    # false: start also when the clock seems far off, judged by when the vault was last written
    check_clock: bool = True
    log_level: Live[Literal["debug", "info", "warning", "error"]] = (
        "info"  # what is logged, and above
    )
    log_format: Live[Literal["text", "json"]] = "text"  # for people, or for machines


def configured(
    file: Path | None, assigned: Iterable[str], environment: Mapping[str, str]
) -> DaemonConfiguration:
    """Return the configuration; raise DaemonError that names file and setting."""
    named = file or _named_in(environment)
    path = named or _default_file(environment)
    try:
        found = configuration.read(
            DaemonConfiguration,
            _contents(path, needed=named is not None),
            defaults={"data": default_data(environment), "socket": default_socket(environment)},
            prefix=PREFIX,
            environment=environment,
            reserved={FILE_VARIABLE},
            assigned=assigned,
        )
    except MalformedError as error:
        setting = f"{error.field}: " if error.field else ""
        raise _wrong(
            f"{path}, environment, options: {setting}{error.detail}", error.field
        ) from None
    hooks.check(found.hooks)
    accounts.check(found.accounts, found.data)
    access.check(found.access, [one.name for one in found.accounts])
    return found


def _named_in(environment: Mapping[str, str]) -> Path | None:
    named = environment.get(FILE_VARIABLE)
    return Path(named) if named else None


def _default_file(environment: Mapping[str, str]) -> Path:
    """Return the user's own file, or the system's where there is none."""
    home = environment.get("XDG_CONFIG_HOME", "")
    folder = Path(home) if home.startswith("/") else Path("~/.config").expanduser()
    own = folder / "peerpost/peerpostd.toml"
    return own if os.access(own, os.F_OK) else SYSTEM_FILE


def _contents(path: Path, *, needed: bool) -> bytes:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            configuration.check_owner(status.st_mode, status.st_uid, os.geteuid())
            return file.read(configuration.MAX_CONFIGURATION + 1)
    except FileNotFoundError:
        if needed:
            raise _wrong(f"there is no file {path}") from None
        return b""
    except OSError as error:
        raise _wrong(f"{path}: {error.strerror}") from None


def _wrong(said: str, field: str | None = None) -> DaemonError:
    return DaemonError("invalid_params", f"Configuration: {said}.", field=field)
