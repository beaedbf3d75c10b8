"""Frames that open and close a session, and the refusal of a request."""

from typing import Annotated

from msgspec import Meta

from peerpost_protocol import limits
from peerpost_protocol.frames.parts import (
    Agent,
    Attestation,
    Detail,
    Kind,
    Request,
)
from peerpost_protocol.wire import (
    Counter,
    Digest,
    Key,
    Milliseconds,
    Nonce,
    SignatureBytes,
    WireStruct,
)


class Hello(WireStruct, frozen=True, tag="hello"):
    """Begin a session (client)."""

    version: Counter
    client_nonce: Nonce
    agent: Agent


class ChallengeFrame(WireStruct, frozen=True, tag="challenge"):
    """Answer `hello` (relay): its id, its nonce, its time, its signature over the challenge."""

    relay: Key
    relay_nonce: Nonce
    at_ms: Milliseconds
    signature: SignatureBytes


class Authenticate(WireStruct, frozen=True, tag="authenticate"):
    """Prove a card's key over the challenge (client)."""

    card: Digest
    signature: SignatureBytes


class Welcome(WireStruct, frozen=True, tag="welcome"):
    """Open the session (relay). `epoch` names the store: positions of another epoch mean nothing here."""

    card: Digest
    attestation: Attestation
    epoch: Annotated[bytes, Meta(min_length=16, max_length=16)]


class Accepted(WireStruct, frozen=True, tag="accepted"):
    """Say that something is durable: a card (`subject` its id), an event or envelope (`subject` the channel)."""

    request: Request
    subject: Digest
    position: Counter


class Refused(WireStruct, frozen=True, tag="refused"):
    """Refuse a request. `kind` is one of refusals.py; `come_back`: the same may succeed later."""

    request: Request
    kind: Kind
    detail: Detail
    field: Annotated[str, Meta(max_length=limits.MAX_DETAIL_CHARACTERS)] | None
    subject: Digest | None
    come_back: bool
    retry_after_ms: Milliseconds | None


class Closing(WireStruct, frozen=True, tag="closing"):
    """Say why the session ends, just before it does."""

    kind: Kind
    detail: Detail
    come_back: bool
    retry_after_ms: Milliseconds | None
