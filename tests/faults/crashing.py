"""Run the daemon or the relay and kill it, by SIGKILL and by its own hand, at a named point.

    python -m tests.faults.crashing daemon --at persist-after:3 -- --data DIR --socket PATH
    python -m tests.faults.crashing relay  --at commit-before:1 -- serve --data DIR

The product knows nothing of this: a point is one of its functions, wrapped before its `main` runs.
`before` and `after` are the moments before the function begins and after it has returned. A point
with a commit in its second place has only made a note when its function returned, inside a
transaction; the process dies as soon as that transaction is durable and nobody knows it yet.
`NAME:COUNT` is the COUNTth time that the point is passed with something to do.
"""

import argparse
import functools
import importlib
import inspect
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FEW_FRAMES = 8  # of the vault's log, after which it checkpoints
FEW_BYTES = 32 * 1024  # of the relay's log, after which it checkpoints

QUICK_LINK: dict[str, Any] = {
    "open_timeout": 1.0,
    "ping_interval": 0.2,
    "ping_timeout": 0.4,
    "close_seconds": 0.1,
    "longest_delay": 0.5,
}
"""A link that notices a dead path within 0.7 seconds."""

Burn = Callable[[], None]


@dataclass(frozen=True)
class Point:
    """Be a moment: before or after a function (`module:name`), or after the commit that follows."""

    where: str
    moment: str  # before or after
    commit: str | None = None
    counts: Callable[[Any], bool] = bool  # of the first argument (before), or of the result (after)
    argument: int | None = None  # which argument `counts` looks at; None: the result, or nothing


_VAULT_COMMIT = "peerpost_daemon.vault.writer:commit_group"
_RELAY_COMMIT = "peerpost_relay.sqlite_store.database:_commit"


def _any(_: object) -> bool:
    return True


def _has_sealed(batch: Any) -> bool:
    return bool(batch.sealed)


def _is_news(result: Any) -> bool:
    return getattr(result, "news", None) is not None


_SEAL = "peerpost_daemon.outbound.round:seal_rows"
_PERSIST = "peerpost_daemon.outbound.round:_store"
_SEND = "peerpost_daemon.outbound.pump:Pump._send"
_FLUSH = "peerpost_daemon.link.socket:RelaySocket._flush"
_ANSWER = "peerpost_daemon.outbound.answers:Answers._note"
_OPEN = "peerpost_daemon.inbound.opening:open_items"
_TAKE = "peerpost_daemon.inbound.taking:take"
_RECEIPT = "peerpost_daemon.outbound.receipts:Receipts._post"
_RECEIVED = "peerpost_daemon.inbound.receipts:take"
_CHECKPOINT = "peerpost_daemon.vault.writer:take_checkpoint"
_QUEUE = "peerpost_daemon.methods.send:queue"
_ACKNOWLEDGE = "peerpost_daemon.records.consumers:acknowledge"

DAEMON_POINTS = {
    "queue-before": Point(_QUEUE, "before", counts=_any),
    "queue-after": Point(_QUEUE, "after", _VAULT_COMMIT, counts=_any),
    "seal-before": Point(_SEAL, "before", argument=0),
    "seal-after": Point(_SEAL, "after", argument=0),
    "persist-before": Point(_PERSIST, "after", counts=_has_sealed, argument=1),
    "persist-after": Point(_PERSIST, "after", _VAULT_COMMIT, counts=_has_sealed, argument=1),
    "send-before": Point(_SEND, "before", argument=1),
    "send-after": Point(_SEND, "after", _FLUSH, argument=1),
    "answer-before": Point(_ANSWER, "before", argument=1),
    "answer-after": Point(_ANSWER, "after", argument=1),
    "open-before": Point(_OPEN, "before", argument=0),
    "open-after": Point(_OPEN, "after", argument=0),
    "store-before": Point(_TAKE, "after", argument=2),
    "store-after": Point(_TAKE, "after", _VAULT_COMMIT, argument=2),
    "receipt-before": Point(_RECEIPT, "before", counts=_any),
    "receipt-after": Point(_RECEIPT, "after", counts=_any),
    "received-before": Point(_RECEIVED, "before", counts=_any),
    "received-after": Point(_RECEIVED, "after", _VAULT_COMMIT, counts=_any),
    "acknowledge-before": Point(_ACKNOWLEDGE, "before", counts=_any),
    "acknowledge-after": Point(_ACKNOWLEDGE, "after", _VAULT_COMMIT, counts=_any),
    "checkpoint-before": Point(_CHECKPOINT, "before", counts=_any),
    "checkpoint-after": Point(_CHECKPOINT, "after", counts=_any),
}

_STEPS = "peerpost_daemon.rotation:Rotation"
_ROTATION = "peerpost_daemon.records.rotation"

ROTATION_POINTS = {
    "rotation-keys-before": Point(f"{_ROTATION}:prepare", "after", counts=_any),
    "rotation-keys-after": Point(f"{_ROTATION}:prepare", "after", _VAULT_COMMIT, counts=_any),
    "rotation-drained": Point(f"{_STEPS}._publish", "before", counts=_any),
    "rotation-card-published": Point(f"{_STEPS}._state", "before", counts=_any),
    "rotation-signed-before": Point(f"{_ROTATION}:publish", "after", counts=_any),
    "rotation-signed-after": Point(f"{_ROTATION}:publish", "after", _VAULT_COMMIT, counts=_any),
    "rotation-submit-before": Point(f"{_STEPS}._submit", "before", counts=_any),
    "rotation-answered": Point(f"{_STEPS}._come_into_force", "before", counts=_any),
    "rotation-force-before": Point(f"{_ROTATION}:come_into_force", "after", counts=_any),
    "rotation-force-after": Point(
        f"{_ROTATION}:come_into_force", "after", _VAULT_COMMIT, counts=_any
    ),
    "rotation-begun-anew": Point(f"{_STEPS}._come_into_force", "after", counts=_any),
}
"""Of `account.rotate`, in their order; the storm, in which nobody rotates, does not come to them."""

_OPERATION = "peerpost_relay.sqlite_store.database:_isolated"
_FAN_OUT = "peerpost_relay.fan_out:FanOut.committed"
_MOVE_LOG = "peerpost_relay.sqlite_store.database:_move_log"

RELAY_POINTS = {
    "commit-before": Point(_OPERATION, "after", counts=_is_news),
    "commit-after": Point(_OPERATION, "after", _RELAY_COMMIT, counts=_is_news),
    "answer-before": Point(
        _OPERATION, "after", "peerpost_relay.sqlite_store.database:SqliteStore.write", _is_news
    ),
    "fan-out-before": Point(_FAN_OUT, "before", argument=1),
    "fan-out-after": Point(_FAN_OUT, "after", argument=1),
    "checkpoint-before": Point(_MOVE_LOG, "before", counts=_any),
    "checkpoint-after": Point(_MOVE_LOG, "after", counts=_any),
}
POINTS = {"daemon": DAEMON_POINTS, "relay": RELAY_POINTS}
"""Through which a storm goes."""

_STATED = Point("peerpost_relay.histories:submit", "after", _RELAY_COMMIT, counts=_any)

ARMED = {
    "daemon": DAEMON_POINTS | ROTATION_POINTS,
    "relay": RELAY_POINTS | {"statement-stored": _STATED},
}


def found(where: str) -> tuple[Any, str, Callable[..., Any]]:
    """Return the owner of a function, its name there and itself."""
    module, path = where.split(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    return owner, name, getattr(owner, name)


def fuse(count: int) -> Burn:
    """Return a function that kills this process when it is called for the `count`th time."""
    left = count

    def burn() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return burn


def wrap(where: str, before: Callable[..., None], after: Callable[..., None]) -> None:
    """Replace a function: `before` sees its arguments, `after` its result as well."""
    owner, name, function = found(where)
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def waiting(*args: Any, **kwargs: Any) -> Any:
            before(*args)
            result = await function(*args, **kwargs)
            after(result, *args)
            return result

        setattr(owner, name, waiting)
        return

    @functools.wraps(function)
    def running(*args: Any, **kwargs: Any) -> Any:
        before(*args)
        result = function(*args, **kwargs)
        after(result, *args)
        return result

    setattr(owner, name, running)


def _nothing(*_: Any) -> None:
    return None


def arm(point: Point, burn: Burn) -> None:
    """Make the process die at a point."""
    if point.moment == "before":
        looked = 0 if point.argument is None else point.argument

        def before(*args: Any) -> None:
            if point.counts(args[looked] if len(args) > looked else None):
                burn()

        wrap(point.where, before, _nothing)
        return
    noted = False

    def after(result: Any, *args: Any) -> None:
        nonlocal noted
        if point.counts(result if point.argument is None else args[point.argument]):
            if point.commit is None:
                burn()
            noted = True

    def committed(*_: Any) -> None:
        nonlocal noted
        if noted:
            noted = False
            burn()

    wrap(point.where, _nothing, after)
    if point.commit is not None:
        wrap(point.commit, _nothing, committed)


def _daemon(arguments: list[str], *, quick_link: bool) -> int:
    from peerpost_daemon import daemon, process  # noqa: PLC0415 - only one of the two is needed
    from peerpost_daemon.link.settings import LinkSettings  # noqa: PLC0415
    from peerpost_daemon.vault import writer  # noqa: PLC0415
    from peerpost_daemon.vault.keyfile import Cost  # noqa: PLC0415

    # A storm starts hundreds of daemons: their vaults are made with the least of key derivation.
    cheap = {"cost": Cost(opslimit=1, memlimit=8192)}
    replaced: list[tuple[object, str, object]] = [
        (daemon.Daemon, "__init__", functools.partialmethod(daemon.Daemon.__init__, **cheap)),
        (writer, "CHECKPOINT_FRAMES", FEW_FRAMES),
    ]
    if quick_link:
        replaced.append((daemon, "LinkSettings", functools.partial(LinkSettings, **QUICK_LINK)))
    for owner, name, value in replaced:
        assert hasattr(owner, name)
        setattr(owner, name, value)
    return process.main(arguments)


def _relay(arguments: list[str]) -> int:
    from peerpost_relay import commands  # noqa: PLC0415
    from peerpost_relay.settings import RelaySettings  # noqa: PLC0415

    few = functools.partial(RelaySettings, checkpoint_bytes=FEW_BYTES)
    assert hasattr(commands, "RelaySettings")
    setattr(commands, "RelaySettings", few)  # noqa: B010 - its type is another
    return commands.main(arguments)


def main(arguments: list[str]) -> int:
    """Arm what is asked for and run the program."""
    parser = argparse.ArgumentParser(prog="crashing")
    parser.add_argument("program", choices=tuple(POINTS))
    parser.add_argument("--at", metavar="NAME:COUNT")
    parser.add_argument("--quick-link", action="store_true")
    split = arguments.index("--")
    options, rest = parser.parse_args(arguments[:split]), arguments[split + 1 :]
    if options.at is not None:
        name, _, count = options.at.partition(":")
        arm(ARMED[options.program][name], fuse(int(count or 1)))
    if options.program == "relay":
        return _relay(rest)
    return _daemon(rest, quick_link=options.quick_link)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
