"""account.backup and its kin: leave what an empty machine needs, and begin from it."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from peerpost_daemon import views
from peerpost_daemon.backups.keeping import Keeping
from peerpost_daemon.backups.relay_copy import RelayCopy
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.methods.filing import own_path
from peerpost_daemon.methods.params import NoParams
from peerpost_daemon.methods.relay_address import check_relay
from peerpost_daemon.passphrase import MAX_PASSPHRASE_BYTES
from peerpost_daemon.rpc import Call, Method, Requires, Scope
from peerpost_protocol import limits

MAX_PATH_CHARACTERS: Final = 4096
PassphraseParam = Annotated[str, Meta(min_length=1, max_length=MAX_PASSPHRASE_BYTES)]
FileParam = Annotated[
    str, Meta(min_length=1, max_length=MAX_PATH_CHARACTERS, description="an absolute path")
]
_STORAGE: Final = ("storage_full", "storage_failed")
_RELAY: Final = ("relay_unreachable", "relay_refused", "too_many_requests")


class Backup(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the backup's passphrase; with `file` it goes there and not to the relay."""

    passphrase: PassphraseParam
    file: FileParam | None = None
    messages: bool = True

    def __repr__(self) -> str:
        return "<Backup>"


class BackupPassphrase(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the new passphrase."""

    passphrase: PassphraseParam

    def __repr__(self) -> str:
        return "<BackupPassphrase>"


class Restore(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the backup's passphrase; with `file` it is read from there and not from the relay."""

    passphrase: PassphraseParam
    file: FileParam | None = None
    relay: Annotated[str, Meta(min_length=1, max_length=limits.MAX_URL_CHARACTERS)] | None = None

    def __repr__(self) -> str:
        return "<Restore>"


class BackupMethods:
    """The methods about backups of the account."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._keeping = Keeping(daemon)

    def all(self) -> Iterator[Method]:
        """Declare them."""
        admin, account = Scope.ADMIN, Requires.ACCOUNT
        errors: tuple[str, ...] = ("forbidden", "too_large", *_STORAGE, *_RELAY)
        yield Method.of("account.backup", self.backup, scope=admin, requires=account, errors=errors)
        yield Method.of(
            "account.backup_show", self.show, scope=admin, requires=account, errors=_RELAY
        )
        yield Method.of(
            "account.backup_passphrase",
            self.change_passphrase,
            scope=admin,
            requires=account,
            errors=("no_backup", "too_large", *_RELAY),
        )
        yield Method.of(
            "account.backup_destroy",
            self.destroy,
            scope=admin,
            requires=account,
            errors=("no_backup", *_RELAY),
        )
        restoring = ("account_exists", "bad_backup", "wrong_passphrase", "no_backup", "not_proven")
        yield Method.of(
            "account.restore",
            self.restore,
            scope=admin,
            requires=Requires.VAULT,
            errors=(*restoring, "no_account", *errors),
        )

    async def backup(self, params: Backup, call: Call) -> views.Backup:
        """Seal keys, contacts, channels and messages under a passphrase, for a file or the relay."""
        if params.file is None:
            made = await self._keeping.to_relay(params.passphrase, with_messages=params.messages)
        else:
            path = own_path(call, params.file, "file")
            made = await self._keeping.to_file(
                path, params.passphrase, with_messages=params.messages
            )
        place: Literal["relay", "file"] = "relay" if params.file is None else "file"
        return views.Backup(
            made.version, made.size, made.messages, made.made_at_ms, place, params.file
        )

    async def show(self, params: NoParams, call: Call) -> views.StoredBackup:  # noqa: ARG002 - a handler's shape
        """Show what backup the relay keeps, and who was given it."""
        daemon = self._daemon
        copy = RelayCopy(daemon.engine.relay, daemon.account, daemon.clock)
        return views.stored_backup(await copy.show())

    async def change_passphrase(
        self,
        params: BackupPassphrase,
        call: Call,  # noqa: ARG002
    ) -> views.BackupVersion:
        """Put the relay's backup under another passphrase; the bulk is not sent again."""
        return views.BackupVersion(await self._keeping.change_passphrase(params.passphrase))

    async def destroy(self, params: NoParams, call: Call) -> views.BackupVersion:  # noqa: ARG002
        """Destroy the relay's backup for good."""
        return views.BackupVersion(await self._keeping.destroy())

    async def restore(self, params: Restore, call: Call) -> views.Restored:
        """Be the account of a backup again; the vault must be empty but for a fresh account."""
        if params.relay is not None:
            check_relay(params.relay, self._daemon.settings)
        if params.file is None:
            done = await self._keeping.from_relay(params.passphrase)
        else:
            path = own_path(call, params.file, "file")
            done = await self._keeping.from_file(path, params.passphrase, params.relay)
        return views.restored(done.manifest, done.contacts, done.channels, done.messages)
