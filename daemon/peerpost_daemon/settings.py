"""Where the daemon keeps its vault, where it answers, and its bounds."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct

from peerpost_daemon.access.settings import MAX_ACCOUNTS, MAX_TABLES, AccessSettings
from peerpost_daemon.accounts.settings import AccountSettings
from peerpost_daemon.consent import Consent
from peerpost_daemon.hooks.settings import MAX_HOOKS, HookSettings
from peerpost_daemon.records.history import MAX_HISTORY_BYTES
from peerpost_daemon.trust import Policy
from peerpost_protocol.configuration import Live, Seconds

SYSTEM_SOCKET: Final = Path("/run/peerpost/daemon.sock")
SYSTEM_DATA: Final = Path("/var/lib/peerpost")
DATA_VARIABLE: Final = "PEERPOST_DATA"
SOCKET_VARIABLE: Final = "PEERPOST_SOCKET"


Positive = Annotated[int, Meta(gt=0)]
NotNegative = Annotated[int, Meta(ge=0)]


class DaemonSettings(Struct, frozen=True, kw_only=True):
    """Be what a daemon is started with. Names that end in `_seconds` and `_bytes` say their unit."""

    data: Path  # the folder of key file and vault
    socket: Path  # where callers are answered
    # a URL, wss://HOST[:PORT]: where the account belongs unless `account.register` says otherwise
    relay: Live[str | None] = None
    # tofu, pin or verified-only: which cards are believed where neither contact nor channel says otherwise
    policy: Live[Policy] = Policy.TOFU
    consent_direct: Live[Consent] = Consent.ANYONE  # who may begin a direct conversation unasked
    consent_groups: Live[Consent] = (
        Consent.ANYONE
    )  # who may add this daemon to another channel unasked
    allow_plain: Live[bool] = False  # ws:// to other hosts than this one
    # a PEM file: certificates of authorities to trust at the relay, instead of the system's
    ca_file: Live[Path | None] = None
    max_queued: Live[Positive] = 100_000  # messages that may wait for the relay
    max_queued_bytes: Live[Positive] = 1024 * 1024 * 1024  # of their bodies
    max_history_bytes: Live[Positive] = (
        MAX_HISTORY_BYTES  # of all messages' bodies; the oldest give way
    )
    max_queued_seconds: Live[Seconds] = 30 * 86_400.0  # what waits for longer fails with `too_old`
    max_file_bytes: Live[Positive] = 4 * 1024**3  # one file that is sent
    # the store of files: copies of what is sent and received
    max_files_bytes: Live[Positive] = 16 * 1024**3
    # files of others that are fetched unasked; 0: none
    fetch_files_bytes: Live[NotNegative] = 16 * 1024**2
    max_drafts: Live[Positive] = 64  # files that callers are handing over at this moment
    queue_retry_seconds: Live[Seconds] = 5.0  # said to callers when a bound is reached
    max_unlocking: Live[Positive] = 8  # unlock calls in work or waiting; each derives a key
    max_consumers: Live[Positive] = 1_000  # named readers of events
    max_subscriptions: Live[Positive] = 16  # of one connection
    event_page: Live[Positive] = 256  # events of one read
    event_page_bytes: Live[Positive] = 1024 * 1024  # a page ends once its messages hold this much
    message_page_bytes: Live[Positive] = 8 * 1024 * 1024  # so does a page of `message.list`
    drain_seconds: Live[Seconds] = 5.0  # what requests in work have left when the daemon stops

    # the group that may open the socket (0660 instead of 0600), by name; who of it may do what is in `access`
    socket_group: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    # further accounts, each with a vault, an identity and users of its own
    accounts: Annotated[tuple[AccountSettings, ...], Meta(max_length=MAX_ACCOUNTS)] = ()
    # who may call beside the daemon's own user and root, and for what; none: nobody
    access: Live[Annotated[tuple[AccessSettings, ...], Meta(max_length=MAX_TABLES)]] = ()
    # what the daemon does with events by itself
    hooks: Live[Annotated[tuple[HookSettings, ...], Meta(max_length=MAX_HOOKS)]] = ()

    @property
    def key_file(self) -> Path:
        """Return the path of the sealed key."""
        return self.data / "vault.key"

    @property
    def vault(self) -> Path:
        """Return the path of the encrypted database."""
        return self.data / "vault.db"

    @property
    def files(self) -> Path:
        """Return the path of the store of files."""
        return self.data / "files"

    @property
    def process_lock(self) -> Path:
        """Return the path of the file that a running daemon holds, locked vault or not."""
        return self.data / "daemon.lock"


def default_data(environment: Mapping[str, str]) -> Path:
    """Return the data directory: `$PEERPOST_DATA`, for root /var/lib/peerpost, else the user's own."""
    if named := environment.get(DATA_VARIABLE):
        return Path(named)
    return SYSTEM_DATA if os.geteuid() == 0 else Path.home() / ".local/share/peerpost"


def default_socket(environment: Mapping[str, str]) -> Path:
    """Return where the daemon answers: the first of these that applies.

    1. `$PEERPOST_SOCKET`;
    2. `$XDG_RUNTIME_DIR/peerpost/daemon.sock`, where that directory is absolute;
    3. `/run/peerpost/daemon.sock`, for root or when it exists (a system-wide daemon);
    4. `~/.local/state/peerpost/daemon.sock`.

    Never a path below /tmp: there anybody could be first to answer and be told a passphrase. The client finds the
    daemon by the same rule, in `peerpost/paths.py`; neither package may import the other.
    """
    if named := environment.get(SOCKET_VARIABLE):
        return Path(named)
    runtime = environment.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        return Path(runtime) / "peerpost/daemon.sock"
    if os.geteuid() == 0 or os.access(SYSTEM_SOCKET, os.F_OK):
        return SYSTEM_SOCKET
    return Path.home() / ".local/state/peerpost/daemon.sock"
