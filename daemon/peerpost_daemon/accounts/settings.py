"""What the configuration says of an account beside the main one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.rpc.call import MAIN

AccountName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*\Z", max_length=64)]


class AccountSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Be one further account; what is not said here is as in the other settings. Hooks are the main account's."""

    name: AccountName  # requests name it so; main is the one of the settings themselves
    data: Path  # the folder of its key file and vault, its alone
    relay: str | None = None  # where it belongs unless `account.register` says otherwise
    passphrase_file: Path | None = None  # a private file; without it the account waits locked


def check(accounts: Sequence[AccountSettings], main: Path) -> None:
    """Raise DaemonError invalid_params for accounts that cannot be told apart; `main` is the main one's folder."""
    names, folders = {MAIN}, {main.absolute()}
    for one in accounts:
        if one.name in names:
            raise _wrong(one.name, "there are two of this name")
        if one.data.absolute() in folders:
            raise _wrong(one.name, "its folder is another one's")
        names.add(one.name)
        folders.add(one.data.absolute())


def _wrong(name: str, said: str) -> DaemonError:
    message = f"Configuration: the account {name!r}: {said}."
    return DaemonError("invalid_params", message, field="accounts")
