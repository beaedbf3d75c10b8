"""What a frame that changes something has verified, and what it commits."""

from collections.abc import Callable
from functools import partial
from typing import Any

from peerpost_protocol.chain import Link
from peerpost_protocol.frames import (
    PostReceipt,
    Publish,
    PublishCard,
    ResumeChain,
    SubmitRosterEvent,
    SubmitStatement,
)
from peerpost_relay import directory, histories, membership, publishing, receipts
from peerpost_relay import verification as verify
from peerpost_relay.backup_requests import BACKUP_WRITES, BackupRequests, BackupWrite
from peerpost_relay.ingest import Cards
from peerpost_relay.outcomes import Outcome
from peerpost_relay.proofs import Proofs
from peerpost_relay.session import Session
from peerpost_relay.settings import RelaySettings, Renewable
from peerpost_relay.store import Operation

WriteFrame = (
    PublishCard
    | SubmitStatement
    | SubmitRosterEvent
    | Publish
    | PostReceipt
    | ResumeChain
    | BackupWrite
)
WRITES = (
    PublishCard,
    SubmitStatement,
    SubmitRosterEvent,
    Publish,
    PostReceipt,
    ResumeChain,
    *BACKUP_WRITES,
)


class Writes(Renewable):
    """Know the check and the operation of each frame that changes something."""

    def __init__(self, settings: RelaySettings, proofs: Proofs, backups: BackupRequests) -> None:
        self._proofs = proofs
        self._backups = backups
        self.apply(settings)

    def apply(self, settings: RelaySettings) -> None:
        """Go by these from now on."""
        super().apply(settings)
        self._room = publishing.Room(
            settings.channel_bytes_max, settings.identity_bytes_max, settings.quota_retry_ms
        )

    def checks(
        self, session: Session, asked: WriteFrame, cards: Cards, now_ms: int
    ) -> tuple[Callable[[], Any] | None, Callable[[Any], Operation[Outcome]]]:
        """Return what verifies the frame, if anything, and what makes an operation of the verified thing."""
        if isinstance(asked, PublishCard | SubmitStatement):
            return self._directory(session, asked, now_ms)
        proven = session.require_proof()
        match asked:
            case Publish(envelope=data):
                return (
                    partial(verify.verified_envelope, data, proven),
                    lambda envelope: (
                        lambda t: publishing.publish(t, envelope, data, now_ms, self._room)
                    ),
                )
            case SubmitRosterEvent(event=signed):
                channels_max = self._settings.channels_per_card_max
                return (
                    partial(verify.verified_event, signed, proven, cards),
                    lambda event: (
                        lambda t: membership.submit(
                            t, event, now_ms, channels_max, self._room, bringer=proven.card.id
                        )
                    ),
                )
            case PostReceipt(receipt=signed):
                return partial(
                    verify.verified_receipt, signed, proven
                ), lambda receipt: lambda t: receipts.post(t, receipt)
            case ResumeChain(channel=channel, sequence=sequence, head=head):
                link, card = Link(sequence, head), proven.card.id
                return None, lambda _: lambda t: publishing.resume(t, channel, card, link)
            case _:
                return self._backups.checks(proven, asked, now_ms)

    def _directory(
        self, session: Session, asked: PublishCard | SubmitStatement, now_ms: int
    ) -> tuple[Callable[[], Any], Callable[[Any], Operation[Outcome]]]:
        waiting_ms = self._settings.waiting_ms
        if isinstance(asked, SubmitStatement):
            proven = session.require_proof()
            return (
                partial(verify.verified_statement, asked.statement, proven),
                lambda statement: lambda t: histories.submit(t, statement, now_ms, waiting_ms),
            )
        token, without = asked.token, self._proofs.without(self._settings)
        author = session.proof.card.id if session.proof else None
        return (
            partial(verify.verified_card, asked.card),
            lambda card: (
                lambda t: directory.publish_card(
                    t,
                    card,
                    token,
                    now_ms,
                    without=without,
                    waiting_ms=waiting_ms,
                    author=author,
                )
            ),
        )
