"""account.*: this daemon's identity and its card."""

import asyncio
import platform
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Final

from msgspec import Meta, Struct

from peerpost_daemon import linking, views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.params import IdentityParam, NoParams, Timeout, identity
from peerpost_daemon.methods.relay_address import check_relay
from peerpost_daemon.proving import code_refused
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records.account import Account
from peerpost_daemon.rpc import Call, Method, Reach, Requires, Scope
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol import limits
from peerpost_protocol.card import DeviceKeys, issue_card
from peerpost_protocol.errors import ProtocolError
from peerpost_protocol.refusals import Refusal

MAX_URL_CHARACTERS: Final = 2048
DEFAULT_TIMEOUT: Final = 10.0  # seconds
_ANOTHER_RELAY: Final = (
    "The relay that answers has another key than the one known; it got neither card nor token."
)
_KEY_BYTES: Final = 32
_NO_DEVICE: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_TOKEN_REASONS: Final = (Refusal.TOKEN_REFUSED, Refusal.TOKEN_REQUIRED)


class Register(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the identity, and the operator's token where the relay wants one."""

    identity: IdentityParam
    token: Annotated[str, Meta(min_length=1, max_length=limits.MAX_TOKEN_CHARACTERS)] | None = None
    device: Annotated[str, Meta(min_length=1, max_length=limits.MAX_DEVICE_CHARACTERS)] | None = (
        None
    )
    relay: Annotated[str, Meta(min_length=1, max_length=MAX_URL_CHARACTERS)] | None = None
    relay_key: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")] | None = None
    timeout: Timeout = DEFAULT_TIMEOUT


class Prove(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the code from the mail; none asks for one."""

    code: Annotated[str, Meta(min_length=1, max_length=limits.MAX_CODE_CHARACTERS)] | None = None
    timeout: Timeout = DEFAULT_TIMEOUT


class AccountMethods:
    """The methods of the noun."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def all(self) -> Iterator[Method]:
        """Declare them."""
        yield Method.of(
            "account.register",
            self.register,
            scope=Scope.ADMIN,
            requires=Requires.VAULT,
            errors=(
                "account_exists",
                "identity_taken",
                "token_refused",
                "not_proven",
                "relay_refused",
                "relay_key_changed",
                "storage_full",
                "storage_failed",
            ),
        )
        yield Method.of(
            "account.prove",
            self.prove,
            scope=Scope.ADMIN,
            errors=(
                "relay_unreachable",
                "relay_refused",
                "token_refused",
                "identity_taken",
                "code_refused",
                "too_many_requests",
                "storage_full",
                "storage_failed",
            ),
        )
        yield Method.of("account.show", self.show, scope=Scope.RECEIVE, reach=Reach.CHANNELS)

    async def register(self, params: Register, call: Call) -> views.Account:  # noqa: ARG002 - a handler's shape
        """Make this daemon's card and publish it; it stays pending while the relay is out of reach."""
        await self._daemon.register(self._store(params))
        return await self.outcome(params.timeout)

    async def outcome(self, timeout: float) -> views.Account:  # noqa: ASYNC109  the caller's own bound
        """Return the account once the relay has said yes, or as it is after `timeout` seconds; raise its refusal."""
        try:
            async with asyncio.timeout(timeout):
                account = await self._settled()
        except TimeoutError:
            account = await self._found()
        if account.state == "refused":
            raise _refused(account.reason or Refusal.MALFORMED)
        if account.state == "pending" and self._is_another_relay():
            raise DaemonError("relay_key_changed", _ANOTHER_RELAY, field="relay_key")
        return views.account(account, self._daemon.settings.relay)

    async def prove(self, params: Prove, call: Call) -> views.Account:  # noqa: ARG002
        """Prove this account's identity: without a code have one mailed, with it become `verified`."""
        engine = self._daemon.engine
        account = await self._found()
        if account.state == "registered":
            await (
                engine.proving.ask_for_code()
                if params.code is None
                else engine.proving.confirm(params.code)
            )
            return views.account(await self._found(), self._daemon.settings.relay)
        await self._daemon.write(lambda db: accounts.aim(db, None, None))
        engine.prove_card(params.code)
        try:
            return await self.outcome(params.timeout)
        except DaemonError as error:
            if error.kind == "identity_taken" and await self._daemon.read(accounts.is_linking):
                await self._daemon.register(linking.name_endorser, params.code)
                return await self.outcome(params.timeout)
            if error.kind != "not_proven" or params.code is not None:
                raise
        return views.account(await self._found(), self._daemon.settings.relay)

    async def show(self, params: NoParams, call: Call) -> views.Account:  # noqa: ARG002
        """Show this daemon's identity and card."""
        return views.account(await self._found(), self._daemon.settings.relay)

    def _store(self, params: Register) -> Callable[[SqlConnection], bool]:
        """Return what stores the account and tells whether the engine has to begin anew."""
        who = identity(params.identity)
        if params.relay is not None:
            check_relay(params.relay, self._daemon.settings)
        seed, private = (self._daemon.random_bytes(_KEY_BYTES) for _ in range(2))
        device = params.device or _host()
        try:
            card = issue_card(DeviceKeys(seed, private), who, device, self._daemon.clock())
        except ProtocolError:
            message = "A device's name is letters, digits, dots, dashes and inner spaces."
            raise DaemonError("invalid_params", message, field="device") from None

        def store(db: SqlConnection) -> bool:
            known = accounts.find(db)
            if known is None:
                accounts.create(db, card, seed, private)
            else:
                _may_register_again(known, who, params.device)
            key = bytes.fromhex(params.relay_key) if params.relay_key else None
            accounts.aim(db, params.relay, params.token, key)
            accounts.set_linking(db, wanted=False)
            given = (params.relay, params.token, params.relay_key) != (None, None, None)
            return known is None or given or known.state == "refused"

        return store

    def _is_another_relay(self) -> bool:
        """Tell whether the relay that answered is not the one whose key is known."""
        running = self._daemon.running
        fault = running.link_status.last_error if running is not None else None
        return fault is not None and fault.kind == "relay_key_changed"

    async def _settled(self) -> Account:
        """Return the account once the relay has said yes or no, or is another; at once if there is no relay."""
        bell = self._daemon.bell
        while True:
            rings = bell.rings
            account = await self._found()
            aimed = account.relay or self._daemon.settings.relay
            if account.state != "pending" or aimed is None or self._is_another_relay():
                return account
            await bell.wait(rings)

    async def _found(self) -> Account:
        account = await self._daemon.read(accounts.find)
        if account is None:
            raise DaemonError("no_account", "No account is registered with this daemon.")
        return account


def _may_register_again(known: Account, who: str, device: str | None) -> None:
    if known.identity != who or known.state == "registered":
        message = f"This daemon is {known.identity} already."
        raise DaemonError("account_exists", message, field="identity")
    if device not in (None, known.card.body.device):
        message = f"This daemon's card says {known.card.body.device} already."
        raise DaemonError("invalid_params", message, field="device")


def _refused(reason: str) -> DaemonError:
    extra = {"reason": reason}
    if reason == Refusal.IDENTITY_TAKEN:
        message = (
            "The identity has a device. If that is yours: link this one, and approve it there."
        )
        return DaemonError("identity_taken", message, field="identity", extra=extra)
    if reason in _TOKEN_REASONS:
        message = f"The relay refused the token: {reason}."
        return DaemonError("token_refused", message, field="token", extra=extra)
    if reason == Refusal.PROOF_REQUIRED:
        message = (
            "The relay takes a proof of the identity: it has mailed a code: peerpost prove CODE."
        )
        return DaemonError("not_proven", message, extra=extra)
    if reason == Refusal.CODE_REFUSED:
        return code_refused()
    return DaemonError("relay_refused", f"The relay refused the card: {reason}.", extra=extra)


def _host() -> str:
    """Return this host's name in the form of a device's name."""
    name = _NO_DEVICE.sub("-", platform.node()).lstrip("-")[: limits.MAX_DEVICE_CHARACTERS]
    return name or "device"
