"""A line in, its answer out; no sockets.

``read`` is quick and never waits: it finds the method, looks whether the caller may call it, and types
the parameters, after which the line's bytes are let go. ``answer`` runs the handlers, those of a batch
at the same time.
Parameters are other people's secrets: nothing here logs them, nor the text of an unforeseen error,
which may quote them. The log gets a reference, the error's type and where it was raised.
"""

import asyncio
import logging
import secrets
import traceback
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType

from peerpost_daemon.errors import ERROR_CODES, CallerGone, DaemonError, NotShown
from peerpost_daemon.rpc import envelope, refusals
from peerpost_daemon.rpc.call import MAIN, Call, Calls, Peer
from peerpost_daemon.rpc.envelope import Refusal, Request, RequestId
from peerpost_daemon.rpc.limits import MAX_CONCURRENT
from peerpost_daemon.rpc.method import Method, Registry, Requires

_log = logging.getLogger(__name__)

Gate = Callable[[Requires], None]  # raises DaemonError if what is required is not there

_SHOWN_NAME: Final = 64  # characters of an unknown method's name in the answer
_STOPPING_RETRY: Final = 2.0  # seconds


class Branch(NamedTuple):
    """What answers for one account: its methods, and the gate before them."""

    registry: Registry
    gate: Gate


class Ready(Struct, frozen=True):
    """A request with its method, its typed parameters, and the account that it is about."""

    method: Method
    params: Struct
    id: RequestId | UnsetType
    call: Call
    gate: Gate


class Work(Struct, frozen=True):
    """What one line asks for."""

    steps: tuple[Ready | Refusal, ...]
    batch: bool

    @property
    def size(self) -> int:
        """Return the number of requests."""
        return len(self.steps)


class Dispatcher:
    """Answer lines by the registry's methods, as far as the gate lets them."""

    def __init__(
        self,
        registry: Registry,
        gate: Gate,
        max_concurrent: int = MAX_CONCURRENT,
        further: Mapping[str, Branch] | None = None,
    ) -> None:
        self._registry = registry  # by name, the methods of all accounts are the same
        self._branches = {MAIN: Branch(registry, gate), **(further or {})}
        self._max_concurrent = max_concurrent
        self._stopping = False

    def slots(self) -> asyncio.Semaphore:
        """Return a connection's share of concurrency, to be given to answer."""
        return asyncio.Semaphore(self._max_concurrent)

    def stop(self) -> None:
        """Refuse every request from now on; those in work are not touched."""
        self._stopping = True

    def read(self, line: bytes, calls: Calls) -> Work:
        """Return what the line asks for; what it gets wrong is part of it, not an exception."""
        found = envelope.read_line(line)
        steps = tuple([self._prepare(request, calls) for request in found.requests])
        return Work(steps, found.batch)

    @staticmethod
    def refused(error: DaemonError) -> Work:
        """Return the work of a line that could not even be read."""
        return Work((Refusal(error),), batch=False)

    async def answer(self, work: Work, slots: asyncio.Semaphore) -> bytes | None:
        """Do the work and return the answer without newline; None if nothing wants one."""
        if not work.batch:
            return await self._step(work.steps[0], slots)
        answers = await asyncio.gather(*(self._step(step, slots) for step in work.steps))
        wanted = [answer for answer in answers if answer is not None]
        return envelope.batch(wanted) if wanted else None

    @staticmethod
    def stranger(peer: Peer) -> DaemonError:
        """Return what somebody hears who may do nothing here, and note it."""
        refusals.note(peer, "none", "forbidden")
        return DaemonError("forbidden", "This user may not call the daemon.")

    def _prepare(self, request: Request | Refusal, calls: Calls) -> Ready | Refusal:
        if isinstance(request, Refusal):
            return request
        try:
            if self._stopping:
                raise stopping()
            method, call, gate = self._admitted(request, calls)
            return Ready(method, method.read_params(request.params), request.id, call, gate)
        except DaemonError as error:
            return Refusal(error, request.id)

    def _admitted(self, request: Request, calls: Calls) -> tuple[Method, Call, Gate]:
        method = self._method(request.method)
        try:
            call = calls.of(request.account)
            call.rights.check(method.scope, method.reach)
        except DaemonError as error:
            refusals.note(calls.caller.peer, method.name, error.kind)
            raise
        branch = self._branches.get(call.account)
        if branch is None:
            message = "The account could not be opened when the daemon started; the log says why."
            raise DaemonError("storage_failed", message, field="account")
        if branch.registry is not self._registry:
            method = branch.registry[method.name]
        return method, call, branch.gate

    def _method(self, name: str) -> Method:
        method = self._registry.get(name)
        if method is None:
            raise DaemonError("method_not_found", f"There is no method {name[:_SHOWN_NAME]}.")
        return method

    async def _step(self, step: Ready | Refusal, slots: asyncio.Semaphore) -> bytes | None:
        if isinstance(step, Refusal):
            return None if step.id is UNSET else _failed(step.id, step.error)
        async with slots:
            return await self._run(step)

    async def _run(self, step: Ready) -> bytes | None:
        request_id = step.id
        try:
            result = await self._result(step)
            return None if request_id is UNSET else envelope.success(request_id, result)
        except CallerGone:
            return None
        except DaemonError as error:
            if error.kind == "forbidden" or isinstance(error, NotShown):
                refusals.note(step.call.peer, step.method.name, "forbidden")
            return None if request_id is UNSET else _failed(request_id, _public(error, step.method))
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            return None if request_id is UNSET else _failed(request_id, _unforeseen(error, step))
        except Exception as error:  # noqa: BLE001 - a fault of one method is that request's alone
            unforeseen = _unforeseen(error, step)  # logged for a notification as well
            return None if request_id is UNSET else _failed(request_id, unforeseen)

    async def _result(self, step: Ready) -> Struct:
        method = step.method
        if method.requires is not Requires.NOTHING:
            step.gate(method.requires)
        result = await method.handler(step.params, step.call)
        if not isinstance(result, method.result):
            raise TypeError(f"{method.name} returned a {type(result).__name__}")
        return result


def refusal(error: DaemonError) -> bytes:
    """Return the answer to something whose id is not known."""
    return _failed(None, error)


def _failed(request_id: RequestId, error: DaemonError) -> bytes:
    try:
        return envelope.failure(request_id, error)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.EncodeError):
        _log.error("the data of a %s error cannot be encoded", error.kind)
        bare = DaemonError(error.kind, error.message, retry_after=error.retry_after)
        return envelope.failure(request_id, bare)


def _public(error: DaemonError, method: Method) -> DaemonError:
    """Pass on an error that has a code; a start error from within a method is our own fault."""
    if error.kind in ERROR_CODES:
        return error
    return _logged(error, method.name)


def _unforeseen(error: BaseException, step: Ready) -> DaemonError:
    return _logged(error, step.method.name)


def _logged(error: BaseException, name: str) -> DaemonError:
    reference = secrets.token_hex(6)
    where = "".join(traceback.format_tb(error.__traceback__))
    _log.error("%s failed, reference %s: %s\n%s", name, reference, type(error).__name__, where)
    message = f"The daemon failed; its log says more under {reference}."
    return DaemonError("internal_error", message, extra={"reference": reference})


def stopping() -> DaemonError:
    """Return what a caller hears while the daemon ends."""
    return DaemonError("shutting_down", "The daemon is stopping.", retry_after=_STOPPING_RETRY)
