"""Frames: what client and relay say to each other, one binary WebSocket message each.

A frame is a msgpack array: the tag, then the fields in their order. `request` is the client's own number for a request;
the answer repeats it. docs/protocol/frames.md says for each frame who may send it, what answers and what may go wrong.
"""

from peerpost_protocol import limits
from peerpost_protocol.frames.backups import (
    BackupFetch,
    BackupFetched,
    BackupNotice,
    BackupPart,
    BackupShown,
    DestroyBackup,
    FetchBackup,
    HoldCard,
    PutBackup,
    PutBackupLock,
    PutBackupPart,
    ReadBackupPart,
    ShowBackup,
)
from peerpost_protocol.frames.blobs import (
    BeginUpload,
    BlobPart,
    ReadBlob,
    RemoveBlob,
    UploadChunk,
    UploadState,
)
from peerpost_protocol.frames.channels import (
    Deliver,
    Joined,
    PostReceipt,
    Publish,
    ReadRoster,
    ReadStream,
    ReceiptNotice,
    ResumeChain,
    RosterPage,
    StreamPage,
    SubmitRosterEvent,
    Subscribe,
    Subscribed,
)
from peerpost_protocol.frames.directory import (
    CardNotice,
    Cards,
    ConfirmProof,
    FetchCards,
    HistoryPage,
    PublishCard,
    ReadHistory,
    ReadWaitingCards,
    SearchCards,
    SearchDomain,
    StartProof,
    SubmitStatement,
)
from peerpost_protocol.frames.parts import (
    Attestation,
    CardRecord,
    ChannelState,
    Cursor,
    Item,
    ItemKind,
)
from peerpost_protocol.frames.session import (
    Accepted,
    Authenticate,
    ChallengeFrame,
    Closing,
    Hello,
    Refused,
    Welcome,
)
from peerpost_protocol.history import CardState
from peerpost_protocol.signing import Signed
from peerpost_protocol.wire import Decoder, encode

__all__ = [
    "PROTOCOL_VERSION",
    "SUBPROTOCOL",
    "Accepted",
    "Attestation",
    "Authenticate",
    "BackupFetch",
    "BackupFetched",
    "BackupNotice",
    "BackupPart",
    "BackupShown",
    "BeginUpload",
    "BlobPart",
    "CardNotice",
    "CardRecord",
    "CardState",
    "Cards",
    "ChallengeFrame",
    "ChannelState",
    "ClientFrame",
    "Closing",
    "ConfirmProof",
    "Cursor",
    "Deliver",
    "DestroyBackup",
    "FetchBackup",
    "FetchCards",
    "Hello",
    "HistoryPage",
    "HoldCard",
    "Item",
    "ItemKind",
    "Joined",
    "PostReceipt",
    "Publish",
    "PublishCard",
    "PutBackup",
    "PutBackupLock",
    "PutBackupPart",
    "ReadBackupPart",
    "ReadBlob",
    "ReadHistory",
    "ReadRoster",
    "ReadStream",
    "ReadWaitingCards",
    "ReceiptNotice",
    "Refused",
    "RelayFrame",
    "RemoveBlob",
    "ResumeChain",
    "RosterPage",
    "SearchCards",
    "SearchDomain",
    "ShowBackup",
    "StartProof",
    "StreamPage",
    "SubmitRosterEvent",
    "SubmitStatement",
    "Subscribe",
    "Subscribed",
    "UploadChunk",
    "UploadState",
    "Welcome",
    "decode_client_frame",
    "decode_relay_frame",
    "decode_signed",
    "encode_frame",
]

PROTOCOL_VERSION = 1
SUBPROTOCOL = "peerpost.v1"

ClientFrame = (
    Hello
    | Authenticate
    | PublishCard
    | SearchCards
    | FetchCards
    | SearchDomain
    | ReadWaitingCards
    | SubmitStatement
    | ReadHistory
    | StartProof
    | ConfirmProof
    | SubmitRosterEvent
    | ReadRoster
    | Publish
    | ReadStream
    | Subscribe
    | PostReceipt
    | ResumeChain
    | BeginUpload
    | UploadChunk
    | ReadBlob
    | RemoveBlob
    | PutBackup
    | PutBackupPart
    | PutBackupLock
    | ShowBackup
    | FetchBackup
    | ReadBackupPart
    | DestroyBackup
    | HoldCard
)
RelayFrame = (
    ChallengeFrame
    | Welcome
    | Accepted
    | Cards
    | HistoryPage
    | RosterPage
    | StreamPage
    | Subscribed
    | Refused
    | Deliver
    | Joined
    | ReceiptNotice
    | CardNotice
    | Closing
    | UploadState
    | BlobPart
    | BackupShown
    | BackupFetched
    | BackupPart
    | BackupNotice
)

decode_client_frame = Decoder[ClientFrame](ClientFrame, "frame", limits.MAX_FRAME)
decode_relay_frame = Decoder[RelayFrame](RelayFrame, "frame", limits.MAX_FRAME)
decode_signed = Decoder[Signed](Signed, "signed", limits.MAX_FRAME)


def encode_frame(frame: ClientFrame | RelayFrame) -> bytes:
    """Return the frame's bytes; raise TooLargeError over MAX_FRAME."""
    return encode(frame)
