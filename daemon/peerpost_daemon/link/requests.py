"""What is asked of the relay, what answers each request, and what the relay says unasked."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from peerpost_protocol.frames import (
    Accepted,
    BackupFetched,
    BackupNotice,
    BackupPart,
    BackupShown,
    BeginUpload,
    BlobPart,
    CardNotice,
    Cards,
    ConfirmProof,
    Deliver,
    DestroyBackup,
    FetchBackup,
    FetchCards,
    HistoryPage,
    HoldCard,
    Joined,
    PostReceipt,
    Publish,
    PublishCard,
    PutBackup,
    PutBackupLock,
    PutBackupPart,
    ReadBackupPart,
    ReadBlob,
    ReadHistory,
    ReadRoster,
    ReadStream,
    ReadWaitingCards,
    ReceiptNotice,
    RemoveBlob,
    ResumeChain,
    RosterPage,
    SearchCards,
    SearchDomain,
    ShowBackup,
    StartProof,
    StreamPage,
    SubmitRosterEvent,
    SubmitStatement,
    Subscribe,
    Subscribed,
    UploadChunk,
    UploadState,
)

RequestFrame: TypeAlias = (
    PublishCard
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
AnswerFrame: TypeAlias = (
    Accepted
    | Cards
    | HistoryPage
    | RosterPage
    | StreamPage
    | Subscribed
    | UploadState
    | BlobPart
    | BackupShown
    | BackupFetched
    | BackupPart
)
NewsFrame: TypeAlias = Deliver | Joined | ReceiptNotice | CardNotice | BackupNotice

ANSWERS: Mapping[type[RequestFrame], type[AnswerFrame]] = MappingProxyType(
    {
        PublishCard: Accepted,
        SearchCards: Cards,
        FetchCards: Cards,
        SearchDomain: Cards,
        ReadWaitingCards: Cards,
        SubmitStatement: Accepted,
        ReadHistory: HistoryPage,
        StartProof: Accepted,
        ConfirmProof: Accepted,
        SubmitRosterEvent: Accepted,
        ReadRoster: RosterPage,
        Publish: Accepted,
        ReadStream: StreamPage,
        Subscribe: Subscribed,
        PostReceipt: Accepted,
        ResumeChain: Accepted,
        BeginUpload: UploadState,
        UploadChunk: UploadState,
        ReadBlob: BlobPart,
        RemoveBlob: Accepted,
        PutBackup: Accepted,
        PutBackupPart: Accepted,
        PutBackupLock: Accepted,
        ShowBackup: BackupShown,
        FetchBackup: BackupFetched,
        ReadBackupPart: BackupPart,
        DestroyBackup: Accepted,
        HoldCard: Accepted,
    }
)
