"""account.link, account.devices, account.approve, account.rotate: the devices of this account's identity."""

from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta, Struct

from peerpost_daemon import linking, views
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.account import AccountMethods, Register
from peerpost_daemon.methods.params import NoParams, Timeout
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import inheritance
from peerpost_daemon.rpc import Call, Method, Requires, Scope
from peerpost_daemon.vault.connection import SqlConnection

MAX_CODE_CHARACTERS: Final = 128
ROTATION_TIMEOUT: Final = 30.0  # seconds
CodeParam = Annotated[
    str, Meta(max_length=MAX_CODE_CHARACTERS, description="20 digits, or a QR code's text")
]


class Approve(Struct, frozen=True, forbid_unknown_fields=True):
    """Take the code that the new device shows."""

    code: CodeParam
    with_history: bool = False


class Link(Register, frozen=True, forbid_unknown_fields=True):
    """Take what registering takes, and whether to take in the history that an approval hands on."""

    with_history: bool = False


class Rotate(Struct, frozen=True, forbid_unknown_fields=True):
    """Take how long to wait for the relay."""

    timeout: Timeout = ROTATION_TIMEOUT


class DeviceMethods:
    """The methods of devices."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._accounts = AccountMethods(daemon)

    def all(self) -> Iterator[Method]:
        """Declare them."""
        relay = ("relay_unreachable", "relay_refused")
        stored = ("storage_full", "storage_failed")
        yield Method.of(
            "account.link",
            self.link,
            scope=Scope.ADMIN,
            requires=Requires.VAULT,
            errors=(
                "account_exists",
                "token_refused",
                "not_proven",
                "relay_key_changed",
                *relay,
                *stored,
            ),
        )
        yield Method.of("account.devices", self.devices, scope=Scope.RECEIVE, errors=relay)
        yield Method.of(
            "account.approve",
            self.approve,
            scope=Scope.ADMIN,
            errors=("unknown_card", *relay, *stored),
        )
        yield Method.of(
            "account.rotate",
            self.rotate,
            scope=Scope.ADMIN,
            errors=("rotation_running", "timeout", *relay, *stored),
        )

    async def link(self, params: Link, call: Call) -> views.Linking:
        """Make this daemon a further device of an identity; another device has to approve the code."""
        try:
            await self._link(params, call)
        except DaemonError as error:
            if error.kind == "not_proven":
                await self._daemon.write(lambda db: _when_proven(db, params))
            raise
        account = await self._daemon.read(accounts.find)
        assert account is not None
        if params.with_history:
            await self._daemon.write(inheritance.expect)
        if account.state == "pending":
            message = "The relay is out of reach; link again when it is back."
            raise DaemonError("relay_unreachable", message)
        return views.linking(account.card, waiting=account.card.body.endorser is not None)

    async def devices(self, params: NoParams, call: Call) -> views.Devices:  # noqa: ARG002 - a handler's shape
        """List the devices of this account's identity, those that wait for an approval included."""
        own = self._daemon.account.card
        found = await self._daemon.engine.devices.all()
        return views.Devices([views.device(each, own) for each in found])

    async def approve(self, params: Approve, call: Call) -> views.Devices:
        """Let the device take part that shows this code; from then on everybody seals to it as well."""
        engine = self._daemon.engine
        await engine.devices.approve(params.code)
        if params.with_history:
            await engine.judge(lambda _db: None)  # it counts here before anything is sealed
            await engine.inheritance.begin()
        return await self.devices(NoParams(), call)

    async def rotate(self, params: Rotate, call: Call) -> views.Account:
        """Replace this device's card by a successor with fresh keys, which both cards sign."""
        await self._daemon.rotation.rotate(params.timeout)
        return await self._accounts.show(NoParams(), call)

    async def _link(self, params: Link, call: Call) -> None:
        try:
            # A proof has told that the identity is taken; as a first card again, this one would need another.
            if params.token is not None or not await self._daemon.read(linking.is_taken):
                await self._accounts.register(params, call)
                return
        except DaemonError as error:
            if error.kind != "identity_taken":
                raise
        await self._daemon.register(linking.name_endorser)
        await self._accounts.outcome(params.timeout)


def _when_proven(db: SqlConnection, params: Link) -> None:
    accounts.set_linking(db, wanted=True)
    if params.with_history:
        inheritance.expect(db)
