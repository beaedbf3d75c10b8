"""A relay of a few lines: real WebSockets, real frames, real keys, and whatever answers a test wants.

It imports no relay package, so the daemon's floor can be tested without one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from peerpost_protocol.card import open_card
from peerpost_protocol.frames import (
    SUBPROTOCOL,
    Accepted,
    Attestation,
    Authenticate,
    ChallengeFrame,
    ClientFrame,
    Hello,
    Publish,
    PublishCard,
    Refused,
    RelayFrame,
    Subscribe,
    Subscribed,
    Welcome,
    decode_client_frame,
    encode_frame,
)
from peerpost_protocol.handshake import Challenge, sign_challenge
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.signing import SigningKey

EPOCH = bytes(16)
RELAY_TIME_MS = 1_000_000
PATIENCE_SECONDS = 10

Answer = Callable[[ClientFrame], list[RelayFrame] | None]


class Heard(Struct, frozen=True):
    """Be one frame and which connection, counted from 1, brought it."""

    connection: int
    frame: ClientFrame


class ScriptedRelay:
    """Answer politely, unless `script` answers instead; write down what comes."""

    def __init__(self) -> None:
        self.key = SigningKey(b"relay".ljust(32, b"\0"))
        self.signer = self.key
        self.known: set[bytes] = set()
        self.heard: list[Heard] = []
        self.connections = 0
        self.socket: ServerConnection | None = None
        self.server: Server | None = None
        self.script: Answer = lambda _frame: None
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        assert self.server is not None
        host, port = next(iter(self.server.sockets)).getsockname()[:2]
        return f"ws://{host}:{port}/v1"

    def frames(self, kind: type[ClientFrame]) -> list[ClientFrame]:
        return [heard.frame for heard in self.heard if isinstance(heard.frame, kind)]

    async def say(self, *frames: RelayFrame) -> None:
        for frame in frames:
            await self.say_bytes(encode_frame(frame))

    async def say_bytes(self, data: bytes | str) -> None:
        assert self.socket is not None
        await self.socket.send(data)

    def drop(self) -> None:
        """Cut the connection as a dying network does."""
        assert self.socket is not None
        self.socket.transport.abort()

    def fall_silent(self) -> None:
        """Read nothing and answer no ping any more, with the connection open."""
        assert self.socket is not None
        self.socket.transport.pause_reading()

    async def heard_frames(self, kind: type[ClientFrame], times: int = 1) -> list[ClientFrame]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.frames(kind)) < times:
                self._changed.clear()
                await self._changed.wait()
        return self.frames(kind)

    async def serve_one(self, socket: ServerConnection) -> None:
        self.connections += 1
        self.socket = socket
        number = self.connections
        try:
            async for data in socket:
                assert isinstance(data, bytes)
                frame = decode_client_frame(data)
                self.heard.append(Heard(number, frame))
                self._changed.set()
                scripted = self.script(frame)
                for answer in self._answers(frame) if scripted is None else scripted:
                    await socket.send(encode_frame(answer))
        except ConnectionClosed:
            pass

    def _answers(self, frame: ClientFrame) -> list[RelayFrame]:  # noqa: PLR0911  a case each
        match frame:
            case Hello(_, nonce):
                return [self.challenge(nonce)]
            case Authenticate(card) if card in self.known:
                return [Welcome(card, Attestation.AUTHORIZED, EPOCH)]
            case Authenticate():
                return [refused(0, Refusal.UNKNOWN_CARD)]
            case PublishCard(number, signed):
                card = open_card(signed).id
                self.known.add(card)
                return [Accepted(number, card, 0)]
            case Subscribe(number):
                return [Subscribed(number, ())]
            case Publish(number, envelope):
                return [Accepted(number, bytes(32), int.from_bytes(envelope))]
            case _:
                return [refused(frame.request, Refusal.UNKNOWN_CHANNEL)]

    def challenge(self, client_nonce: bytes) -> ChallengeFrame:
        challenge = Challenge(self.key.public, client_nonce, bytes(32), RELAY_TIME_MS)
        signature = sign_challenge(self.signer, challenge)
        return ChallengeFrame(self.key.public, bytes(32), RELAY_TIME_MS, signature)


def refused(number: int, kind: str, *, retry_after_ms: int | None = None) -> Refused:
    return Refused(number, kind, "no", None, None, retry_after_ms is not None, retry_after_ms)


@asynccontextmanager
async def scripted_relay(redirect: str | None = None) -> AsyncIterator[ScriptedRelay]:
    """Serve a relay on a free loopback port; with `redirect`, one that sends everybody there."""

    def answer(socket: ServerConnection, _request: Request) -> Response | None:
        if redirect is None:
            return None
        response = socket.respond(302, "")
        response.headers["Location"] = redirect
        return response

    relay = ScriptedRelay()
    async with serve(
        relay.serve_one,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        process_request=answer,
        compression=None,
        ping_interval=None,
        close_timeout=0.1,
    ) as server:
        relay.server = server
        yield relay
