"""A registry of small methods, and a real server and client around it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.rpc import EVERYTHING, Call, Dispatcher, Peer, Registry, Requires, Scope
from peerpost_daemon.rpc.call import Caller, Calls
from peerpost_daemon.rpc.limits import RpcLimits
from peerpost_daemon.rpc.server import RpcServer


class Echo(Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    members: list[str] = []


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Echoed(Struct, frozen=True):
    text: str


SOMEBODY = Caller.of(Peer(1000, 1000, 1), EVERYTHING)


class Stage:
    """The methods, and what happened in them."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.calls: list[Call] = []
        self.began = 0
        self.most = 0
        self.running = 0
        self.began_one = asyncio.Event()
        self.let_go = asyncio.Event()
        self.ended_one = asyncio.Event()
        self.ended: list[str] = []
        self.locked = False
        self.holds = False  # something is left open by an echo, until `forget`
        self.forget: Callable[[], None] = lambda: None
        self.extra: dict[str, object] = {}
        for name, handler in (
            ("test.echo", self.echo),
            ("test.wait", self.wait),
            ("test.refuse", self.refuse),
            ("test.fail", self.fail),
            ("test.wrong", self.wrong),
            ("test.flood", self.flood),
            ("test.cancelled", self.cancelled),
        ):
            self.registry.method(name, scope=Scope.SEND, requires=Requires.VAULT)(handler)

    def gate(self, requires: Requires) -> None:
        if self.locked:
            raise DaemonError("locked", f"Locked: {requires.value}.")

    async def echo(self, params: Echo, call: Call) -> Echoed:
        """Say it again."""
        self.calls.append(call)
        self.began_one.set()
        if self.holds:
            self.forget = call.on_close(lambda: None)
        return Echoed(params.text)

    async def wait(self, params: Echo, call: Call) -> Echoed:
        """Say it again when let go."""
        self.calls.append(call)
        self.began += 1
        self.running += 1
        self.most = max(self.most, self.running)
        self.began_one.set()
        try:
            await self.let_go.wait()
            self.ended.append(params.text)
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        finally:
            self.running -= 1
            self.ended_one.set()
        return Echoed(params.text)

    async def refuse(self, params: Echo, call: Call) -> Echoed:
        """Refuse."""
        extra = {"candidates": [params.text], "kind": "planted", **self.extra}
        raise DaemonError("queue_full", "No room.", field="to", retry_after=2.5, extra=extra)

    async def fail(self, params: Echo, call: Call) -> Echoed:
        """Fail with the parameter in the error's text."""
        raise ValueError(params.text)

    async def wrong(self, params: Nothing, call: Call) -> Echoed:
        """Return what was not promised."""
        return Nothing()  # type: ignore[return-value]  # the fault under test

    async def flood(self, params: Echo, call: Call) -> Echoed:
        """Notify until the caller is gone."""
        self.calls.append(call)
        self.began_one.set()
        try:
            while True:
                await call.notify("event", Echoed(params.text))
                self.began += 1
        finally:
            self.ended.append("flood")
            self.ended_one.set()

    async def cancelled(self, params: Nothing, call: Call) -> Echoed:
        """Await something that another cancels."""
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future
        return Echoed("")


class Recorder:
    """An outbound that keeps what it is given."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    async def send(self, line: bytes) -> None:
        self.lines.append(line)


def calls() -> Calls:
    """Return the calls of somebody who may everything."""
    return Calls(SOMEBODY, Recorder())


def a_call(outbound: Any = None) -> Call:
    """Return a call of somebody who may everything."""
    return Call(SOMEBODY, outbound or Recorder())


async def answer(stage: Stage, line: bytes | str) -> Any:
    """Return what the dispatcher answers, as plain JSON; None for silence."""
    dispatcher = Dispatcher(stage.registry, stage.gate)
    raw = line.encode() if isinstance(line, str) else line
    said = await dispatcher.answer(dispatcher.read(raw, calls()), dispatcher.slots())
    return None if said is None else json.loads(said)


def request(method: str, request_id: object = 1, /, **params: object) -> bytes:
    """Return a request without its newline."""
    body = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
    return json.dumps(body).encode()


class Client:
    """A client over a real socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, *lines: bytes) -> None:
        for line in lines:
            self.writer.write(line + b"\n")

    async def hear(self) -> Any:
        return json.loads(await self.reader.readuntil(b"\n"))

    async def ask(self, line: bytes) -> Any:
        self.say(line)
        return await self.hear()

    async def end(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return


@asynccontextmanager
async def connected(path: Path, limit: int = 16 * 1024 * 1024) -> AsyncIterator[Client]:
    """Connect a client and hang up at the end."""
    client = Client(*await asyncio.open_unix_connection(path, limit=limit))
    try:
        yield client
    finally:
        await client.end()


@asynccontextmanager
async def serving(path: Path, stage: Stage, **limits: Any) -> AsyncIterator[RpcServer]:
    """Run a server and close it at the end."""
    server = RpcServer(path, stage.registry, stage.gate, limits=RpcLimits(**limits))
    await server.start()
    try:
        yield server
    finally:
        stage.let_go.set()
        await server.close(1.0)
