"""The process: arguments, passphrase, signals, exit codes.

0  stopped as asked
1  failed, or the clock is far off
2  usage: an argument or a setting is wrong
3  another daemon holds the vault or the socket
4  the passphrase does not open the vault
5  the data directory, its disk, the vault or the socket's directory cannot be used

SIGTERM and SIGINT drain within `drain_seconds` and end. SIGHUP reads the configuration anew (reloading.py) and tries
the relay again at once, also after it has refused us.
"""

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import structs

from peerpost_daemon import hardening, log_lines, passphrase
from peerpost_daemon.accounts import opening
from peerpost_daemon.bell import Bell
from peerpost_daemon.configuration import TITLE, DaemonConfiguration, configured
from peerpost_daemon.daemon import Daemon, DaemonState, MakeEngine, now_ms
from peerpost_daemon.engine import Engine
from peerpost_daemon.errors import DaemonError, DaemonStartError
from peerpost_daemon.link import AddressError, LinkSettings, check_address, check_authorities
from peerpost_daemon.liveness import liveness
from peerpost_daemon.records.account import Account
from peerpost_daemon.reloading import Read, Reloading
from peerpost_daemon.rpc.call import MAIN
from peerpost_daemon.rpc.place import place_of
from peerpost_daemon.service import Service
from peerpost_daemon.service_manager import ServiceManager, passed_sockets
from peerpost_daemon.settings import DaemonSettings
from peerpost_daemon.starting import check_start
from peerpost_daemon.vault.database import Database
from peerpost_daemon.vault.lock import ProcessLock
from peerpost_daemon.version import VERSION
from peerpost_protocol import configuration

FAILED: Final = 1
USAGE: Final = 2
IN_USE: Final = 3
WRONG_PASSPHRASE: Final = 4
UNUSABLE: Final = 5
THREAD_SWITCH_SECONDS: Final = 0.001
"""How long a thread that computes may keep the event loop waiting; the interpreter's own 5 ms are felt."""

_CODES: Final = {
    "socket_in_use": IN_USE,
    "wrong_passphrase": WRONG_PASSPHRASE,
    "invalid_params": USAGE,
    "not_a_socket": UNUSABLE,
    "unsafe_directory": UNUSABLE,
    "socket_failed": UNUSABLE,
    "storage_failed": UNUSABLE,
    "storage_full": UNUSABLE,
    "disk_full": UNUSABLE,
}
SOCKET_NAME: Final = "peerpost"  # FileDescriptorName= of the socket unit
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Surroundings:
    """Be what whoever started us has given: the service manager, and perhaps the socket."""

    manager: ServiceManager
    passed: socket.socket | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon until it is told to stop; return the exit code."""
    options = parser().parse_args(arguments)
    if options.example_config:
        _say(configuration.example(DaemonConfiguration, TITLE).rstrip())
        return 0
    try:
        settings = _configured(options)
        if options.check_config:
            _say("the configuration holds")
            return 0
    except DaemonError as error:
        return _give_up(error, USAGE)
    log_lines.begin(settings.log_level, settings.log_format)
    hardening.harden()
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    return _run(settings, lambda: _configured(options))


def _run(settings: DaemonConfiguration, read: Read) -> int:
    try:
        given = _surroundings()
        settings = _placed(settings, given.passed)
        lock = _hold(settings)
    except DaemonError as error:
        return _give_up(error, _CODES.get(error.kind, FAILED))
    except _InUseError as error:
        return _give_up(error.error, IN_USE)
    try:
        check_start(settings, check_clock=settings.check_clock)
        secret = _passphrase(settings)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings, secret, given, read))
    except DaemonError as error:
        return _give_up(error, _CODES.get(error.kind, FAILED))
    except KeyboardInterrupt:  # before the loop listens to signals: at the prompt
        return FAILED
    finally:
        lock.release()
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="peerpostd",
        description="The local daemon of peerpost: keys, messages and the link to the relay.",
        epilog="The passphrase comes from a systemd credential, a file descriptor "
        "(PEERPOST_PASSPHRASE_FD), --passphrase-file or the terminal; with none of them the daemon "
        "starts locked. Exit codes: 0 stopped as asked, 1 failed, 2 usage, 3 another daemon is "
        "there, 4 wrong passphrase, 5 data or socket directory cannot be used.",
    )
    add = parser.add_argument
    add("--version", action="version", version=VERSION)
    add("--data", type=Path, metavar="DIR", help="where the vault lies (PEERPOST_DATA)")
    add("--socket", type=Path, metavar="PATH", help="where to answer (PEERPOST_SOCKET)")
    add("--relay", metavar="URL", help="the relay, such as wss://relay.example.org")
    add("--passphrase-file", type=Path, metavar="FILE", help="a private file with the passphrase")
    add("--allow-plain", action="store_true", help="speak ws:// with other hosts: for tests only")
    add("--log-level", choices=log_lines.LEVELS, help="default: info")
    add("--log-format", choices=("text", "json"), help="default: text")
    add(
        "--config",
        type=Path,
        metavar="FILE",
        help="the configuration (default: $PEERPOSTD_CONFIG, ~/.config/peerpost/peerpostd.toml or "
        "/etc/peerpost/peerpostd.toml)",
    )
    add(
        "--set",
        action="append",
        default=[],
        dest="assigned",
        metavar="SETTING=VALUE",
        help="any setting of the configuration file, such as max_queued=1000",
    )
    add("--check-config", action="store_true", help="read the configuration, say whether it holds")
    add("--example-config", action="store_true", help="print a file with every setting")
    return parser


def _surroundings() -> Surroundings:
    try:
        passed = passed_sockets(os.environ, SOCKET_NAME)
    except OSError as error:
        raise DaemonStartError("socket_failed", f"The passed socket: {error}.") from None
    if len(passed) > 1:
        raise DaemonStartError("socket_failed", "One socket can be passed on, not several.")
    return Surroundings(ServiceManager.of(os.environ), passed[0] if passed else None)


def _configured(options: argparse.Namespace) -> DaemonConfiguration:
    given = {
        "data": options.data,
        "socket": options.socket,
        "relay": options.relay,
        "passphrase_file": options.passphrase_file,
        "allow_plain": "true" if options.allow_plain else None,
        "log_level": options.log_level,
        "log_format": options.log_format,
    }
    named = [f"{name}={value}" for name, value in given.items() if value is not None]
    settings = configured(options.config, [*named, *options.assigned], os.environ)
    try:
        check_authorities(LinkSettings("", ca_file=settings.ca_file))
    except AddressError as error:
        raise DaemonError("invalid_params", f"ca_file: {error}.", field="ca_file") from None
    for relay in (settings.relay, *(one.relay for one in settings.accounts)):
        try:
            if relay is not None:
                check_address(LinkSettings(relay, settings.allow_plain))
        except AddressError as error:
            raise DaemonError("invalid_params", f"--relay: {error}.", field="relay") from None
    return settings


def _placed(settings: DaemonConfiguration, passed: socket.socket | None) -> DaemonConfiguration:
    """Return the settings with whole paths, and with the place of a socket that was passed on."""
    place = place_of(passed) if passed is not None else settings.socket.absolute()
    return structs.replace(settings, data=settings.data.absolute(), socket=place)


class _InUseError(Exception):
    """Carry the error of a vault that another daemon holds."""

    def __init__(self, error: DaemonError) -> None:
        super().__init__(str(error))
        self.error = error


def _hold(settings: DaemonSettings) -> ProcessLock:
    """Take the data directory for this process, whether its vault gets unlocked or not."""
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return ProcessLock.acquire(settings.process_lock)
    except OSError as error:
        message = f"The data directory {settings.data} cannot be used: {error.strerror}; "
        message += "name another one, or give it to the daemon's user."
        raise DaemonError("storage_failed", message) from None
    except DaemonError as error:
        raise _InUseError(error) from None


def _passphrase(settings: DaemonConfiguration) -> bytes | None:
    new = not os.path.lexists(settings.key_file)
    file = settings.passphrase_file
    return passphrase.find(os.environ, file=file, prompt=passphrase.terminal(), confirm=new)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _serve(
    settings: DaemonConfiguration, secret: bytes | None, given: Surroundings, read: Read
) -> None:
    daemon = _daemon(settings)
    with ExitStack() as ending:
        service = Service(daemon, further=opening.held(settings, _daemon, ending))
        reloading = Reloading(service, settings, lambda: _placed(read(), given.passed))
        _listen_to_signals(daemon)
        try:
            await _unlock(daemon, secret)
            del secret
            await opening.open_all(settings, service.further)
            await service.start(given.passed)
            _say(_status(service))
            _begin_reporting(service, given.manager, reloading)
            gc.freeze()  # what is here stays: no collection needs to look at it again
            for task in opening.watching(service.further):
                ending.callback(task.cancel)
            await opening.until_told(MAIN, daemon, alone=not service.further)
            log.info("stopping")
            given.manager.stopping()
        finally:
            await service.close()
    if daemon.damaged is not None:
        raise daemon.damaged


async def _unlock(daemon: Daemon, secret: bytes | None) -> None:
    """Open the main vault; what is wrong with it ends the process unless there are other accounts."""
    try:
        if secret is not None:
            await daemon.unlock(secret, create=daemon.state is DaemonState.NO_VAULT)
    except DaemonError as error:
        if not daemon.settings.accounts:
            raise
        log.error("the account %s stays locked: %s", MAIN, error.message)  # noqa: TRY400  the sentence says it all


def _daemon(settings: DaemonSettings) -> Daemon:
    """Return a daemon for one account."""
    bell = Bell()
    made = Daemon(settings, _engines(bell, lambda: made), bell)
    return made


def _engines(bell: Bell, its: Callable[[], Daemon]) -> MakeEngine:
    """Return what makes engines by the settings that are in force then."""

    def make(database: Database, account: Account, token: str | None, link: LinkSettings) -> Engine:
        daemon = its()
        return Engine(
            database,
            account,
            token,
            link,
            bell,
            now_ms=now_ms,
            random_bytes=os.urandom,
            max_queued_seconds=daemon.settings.max_queued_seconds,
            max_history_bytes=daemon.settings.max_history_bytes,
            files=daemon.files,
        )

    return make


def _status(service: Service) -> str:
    daemon = service.daemon
    others = [f" {name}={one.state.value}" for name, one in service.further.items()]
    return f"ready on {daemon.settings.socket} state={daemon.state.value}{''.join(others)}"


def _listen_to_signals(daemon: Daemon) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.shutdown_wanted.set)


def _begin_reporting(service: Service, manager: ServiceManager, reloading: Reloading) -> None:
    """Tell the manager that we serve; answer its reloads and its watchdog from now on."""
    daemon = service.daemon
    reload = partial(_reload, service, manager, reloading)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
    manager.ready(_status(service))
    daemon.spawn(asyncio.create_task(manager.feed(liveness(daemon))))


def _reload(service: Service, manager: ServiceManager, reloading: Reloading) -> None:
    daemon = service.daemon
    if daemon.shutdown_wanted.is_set():
        return

    def done(said: str) -> None:
        manager.ready(f"{_status(service)}; {said}")

    daemon.spawn(asyncio.create_task(reloading.reload(manager.reloading, done)))


def _say(line: str) -> None:
    with suppress(OSError):  # whoever started us does not listen
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _give_up(error: DaemonError, code: int) -> int:
    sys.stderr.write(f"peerpostd: {error.message}\n")
    return code
