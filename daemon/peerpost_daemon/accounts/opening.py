"""The daemons of the further accounts: opened at start, each for itself.

What is wrong with one is that one's alone: another process has its folder, its passphrase is wrong, its vault is
damaged, now or found later. It is logged, the account says so to whoever calls for it, and the others go on.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack

from msgspec import structs

from peerpost_daemon import passphrase
from peerpost_daemon.accounts.settings import AccountSettings
from peerpost_daemon.daemon import Daemon, DaemonState
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.settings import DaemonSettings
from peerpost_daemon.vault.lock import ProcessLock

Make = Callable[[DaemonSettings], Daemon]
log = logging.getLogger(__name__)


def settings_of(main: DaemonSettings, account: AccountSettings) -> DaemonSettings:
    """Return an account's settings: the main ones, but for what is its own."""
    return structs.replace(
        main,
        data=account.data.absolute(),
        relay=account.relay or main.relay,
        hooks=(),
    )


def held(main: DaemonSettings, make: Make, locks: ExitStack) -> dict[str, Daemon]:
    """Return the daemons of the further accounts whose folders are ours; `locks` lets these go."""
    found = {}
    for account in main.accounts:
        settings = settings_of(main, account)
        try:
            settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            locks.callback(ProcessLock.acquire(settings.process_lock).release)
        except (OSError, DaemonError) as error:
            _say(account.name, "is left out", error)
        else:
            found[account.name] = make(settings)
    return found


async def open_all(main: DaemonSettings, daemons: dict[str, Daemon]) -> None:
    """Unlock those that have a file with their passphrase."""
    for account in main.accounts:
        daemon, file = daemons.get(account.name), account.passphrase_file
        if daemon is None or file is None:
            continue
        try:
            secret = passphrase.find({}, file=file)
            assert secret is not None  # a file that is not there is an error
            await daemon.unlock(secret, create=daemon.state is DaemonState.NO_VAULT)
        except DaemonError as error:
            _say(account.name, "stays locked", error)


async def until_told(name: str, daemon: Daemon, *, alone: bool) -> None:
    """Wait until a daemon is told to stop; one that is not alone and finds its vault damaged is locked instead."""
    while True:
        await daemon.shutdown_wanted.wait()
        if alone or daemon.damaged is None:
            return
        _say(name, "is locked", daemon.damaged)
        daemon.unopened, daemon.damaged = daemon.damaged, None
        daemon.shutdown_wanted.clear()
        await daemon.lock()


def watching(daemons: dict[str, Daemon]) -> list[asyncio.Task[None]]:
    """Begin to look after the further accounts; whoever calls cancels the tasks."""
    return [
        asyncio.create_task(until_told(name, daemon, alone=False), name="account")
        for name, daemon in daemons.items()
    ]


def _say(name: str, what: str, error: OSError | DaemonError) -> None:
    why = error.message if isinstance(error, DaemonError) else error.strerror
    log.error("the account %s %s: %s", name, what, why)
