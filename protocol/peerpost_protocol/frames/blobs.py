"""Frames about blobs: encrypted files that the relay keeps for the members of a channel."""

from typing import Annotated

from msgspec import Meta

from peerpost_protocol import limits
from peerpost_protocol.frames.parts import Request
from peerpost_protocol.wire import Counter, Digest, Milliseconds, WireStruct

Part = Annotated[bytes, Meta(max_length=limits.MAX_BLOB_PART)]
BlobSize = Annotated[int, Meta(ge=1, le=limits.MAX_COUNTER)]


class BeginUpload(WireStruct, frozen=True, tag="begin_upload"):
    """Begin to upload a blob for a channel, or go on with it. `blob`: SHA-256 of all its bytes."""

    request: Request
    channel: Digest
    blob: Digest
    size: BlobSize
    expires_at_ms: Milliseconds | None


class UploadChunk(WireStruct, frozen=True, tag="upload_chunk"):
    """Bring the bytes of a blob that follow the `offset` already there."""

    request: Request
    channel: Digest
    blob: Digest
    offset: Counter
    data: Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_BLOB_PART)]


class ReadBlob(WireStruct, frozen=True, tag="read_blob"):
    """Ask for bytes of a blob of a channel from an offset on."""

    request: Request
    channel: Digest
    blob: Digest
    offset: Counter
    length: Annotated[int, Meta(ge=1, le=limits.MAX_BLOB_PART)]


class RemoveBlob(WireStruct, frozen=True, tag="remove_blob"):
    """Ask for a blob of a channel to be removed: its message is gone."""

    request: Request
    channel: Digest
    blob: Digest


class UploadState(WireStruct, frozen=True, tag="upload_state"):
    """Say how many bytes of a blob are there; `durable`: all of them, they fit its id, and they are on disk."""

    request: Request
    blob: Digest
    offset: Counter
    durable: bool


class BlobPart(WireStruct, frozen=True, tag="blob_part"):
    """Bring bytes of a blob; `size` is that of the whole."""

    request: Request
    blob: Digest
    offset: Counter
    size: BlobSize
    data: Part
