"""What each frame of a client asks of the stages: what to verify, what to commit, what to read."""

from collections.abc import Callable
from functools import partial
from typing import Any

from peerpost_protocol.frames import (
    Accepted,
    Authenticate,
    BeginUpload,
    ChallengeFrame,
    ClientFrame,
    ConfirmProof,
    Hello,
    HoldCard,
    PostReceipt,
    Publish,
    PublishCard,
    ReadBlob,
    RemoveBlob,
    ResumeChain,
    StartProof,
    SubmitRosterEvent,
    SubmitStatement,
    Subscribe,
    UploadChunk,
    Welcome,
)
from peerpost_protocol.handshake import sign_challenge
from peerpost_protocol.refusals import COME_BACK, Refusal
from peerpost_protocol.signing import SigningKey
from peerpost_relay import answers, ingest
from peerpost_relay import verification as verify
from peerpost_relay.backup_requests import BackupRequests
from peerpost_relay.backups import Granted, Held
from peerpost_relay.blobs import BlobFrame
from peerpost_relay.errors import RefusalError
from peerpost_relay.followers import Follower
from peerpost_relay.ingest import Job
from peerpost_relay.outcomes import Outcome
from peerpost_relay.peer import Peer
from peerpost_relay.queries import Question
from peerpost_relay.quotas import STATEMENT_WRITES, Quotas, event_writes, lookups
from peerpost_relay.session import Proven
from peerpost_relay.settings import RelaySettings, Renewable
from peerpost_relay.stages import Stages
from peerpost_relay.store import COSTS, Operation, Query, Transaction
from peerpost_relay.subscriptions import Subscriptions
from peerpost_relay.writer import Write
from peerpost_relay.writes import WRITES, WriteFrame, Writes

NONCE_BYTES = 32

Clock = Callable[[], int]  # the time in ms
RandomBytes = Callable[[int], bytes]


class Requests(Renewable):
    """Turn frames into jobs, and their results into answers."""

    def __init__(
        self,
        settings: RelaySettings,
        key: SigningKey,
        epoch: bytes,
        stages: Stages,
        quotas: Quotas,
        *,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._proofs = stages.proofs
        self._settings = settings
        self._key = key
        self._epoch = epoch
        self._ingest = stages.ingest
        self._writer = stages.writer
        self._queries = stages.queries
        self._blobs = stages.blobs
        self._subscriptions = Subscriptions(stages)
        self._quotas = quotas
        self._sessions: dict[bytes, list[Peer]] = {}  # of each card, oldest first
        self._backups = BackupRequests(settings, key.public, lambda c: self._sessions.get(c, ()))
        self._writes = Writes(settings, self._proofs, self._backups)
        self._clock = clock
        self._random_bytes = random_bytes

    def apply(self, settings: RelaySettings) -> None:
        """Go by these from now on."""
        super().apply(settings)
        self._backups.apply(settings)
        self._writes.apply(settings)

    def join(self, follower: Follower, channel: bytes, position: int) -> None:
        """Add a channel to the subscription of a card that was just added to it."""
        self._subscriptions.join(follower, channel, position)

    def forget(self, peer: Peer) -> None:
        """Forget a peer whose connection is gone."""
        self._blobs.forget(peer)
        proof = peer.session.proof
        if proof is None:
            return
        others = [one for one in self._sessions.pop(proof.card.id, []) if one is not peer]
        if others:
            self._sessions[proof.card.id] = others

    @property
    def idle(self) -> bool:
        """Tell whether nothing is being written."""
        return self._writer.idle

    async def room(self) -> None:
        """Wait until writer and queries have room."""
        await self._writer.room()
        await self._queries.room()

    def job(self, peer: Peer, asked: ClientFrame, cards: ingest.Cards) -> Job:
        """Return what is to be done for a frame that its session let through."""
        if not isinstance(asked, HoldCard):
            try:
                peer.session.require_held()
            except RefusalError as refusal:
                return Job(peer, None, partial(self._not_held, peer, refusal))
        return self._job(peer, asked, cards)

    def _job(self, peer: Peer, asked: ClientFrame, cards: ingest.Cards) -> Job:
        match asked:
            case Hello():
                return self._greet(peer, asked)
            case Authenticate():
                return self._prove(peer, asked, cards)
            case StartProof() | ConfirmProof():
                return self._prove_identity(peer, asked)
            case _ if isinstance(asked, WRITES):
                return self._write(peer, asked, cards)
            case _:
                return Job(peer, None, lambda _: self._take(peer, asked))

    def _prove_identity(self, peer: Peer, asked: StartProof | ConfirmProof) -> Job:
        proof = peer.session.proof
        if proof is None:
            if not self._may_greet(peer):
                return Job(peer, None, _nothing)
            return self._proofs.job(peer, asked, self._ingest.answered)
        try:
            self._quotas.write(proof.card.id, len(asked.card.payload))
        except RefusalError as too_many:
            answer = partial(self._written, peer, asked.request, too_many)
            return Job(peer, None, lambda _: answer())
        return self._proofs.job(peer, asked, self._ingest.answered)

    def _take(self, peer: Peer, asked: ClientFrame) -> None:
        """Do what needs no verification and no commit of ours."""
        match asked:
            case Subscribe():
                self._subscribe(peer, asked)
            case BeginUpload() | UploadChunk() | ReadBlob() | RemoveBlob():
                self._move(peer, asked)
            case _:
                self._read(peer, asked)

    # -- the handshake ---------------------------------------------------------------------------

    def _greet(self, peer: Peer, hello: Hello) -> Job:
        if not self._may_greet(peer):
            return Job(peer, None, _nothing)
        nonce = self._random_bytes(NONCE_BYTES)
        challenge = peer.session.challenged(self._key.public, hello, nonce, self._clock())

        def then(signature: bytes) -> None:
            self._ingest.answered(peer)
            peer.send(ChallengeFrame(challenge.relay, nonce, challenge.at_ms, signature))

        return Job(peer, partial(sign_challenge, self._key, challenge), then)

    def _prove(self, peer: Peer, asked: Authenticate, cards: ingest.Cards) -> Job:
        if not self._may_greet(peer):
            return Job(peer, None, _nothing)
        challenge = peer.session.challenge
        assert challenge is not None  # the session is past `hello`
        check = partial(verify.authenticated, challenge, cards.get(asked.card), asked.signature)
        return Job(peer, check, partial(self._proven, peer))

    def _proven(self, peer: Peer, result: Proven | RefusalError) -> None:
        self._ingest.answered(peer)
        if isinstance(result, RefusalError):
            peer.session.disproven()
            peer.refuse(0, result)
            self._failed(peer, result)
            return
        peer.session.proven(result)
        self._make_room(peer, result.card.id)
        if peer.timer is not None:
            peer.timer.cancel()
        peer.line.widen()
        peer.send(Welcome(result.card.id, result.attestation, self._epoch))

    def _may_greet(self, peer: Peer) -> bool:
        """Tell whether a peer's address may ask more before it is known who asks; close it otherwise."""
        try:
            self._quotas.greet(peer.address)
        except RefusalError as refusal:
            peer.close(refusal.kind, refusal.detail, refusal.retry_after_ms)
            self._ingest.answered(peer)
        return not peer.gone

    def _make_room(self, peer: Peer, card: bytes) -> None:
        """End the card's oldest session when it has another too many: it may hang on a dead path."""
        sessions = self._sessions.setdefault(card, [])
        while len(sessions) >= self._settings.sessions_per_card_max:
            sessions.pop(0).close(
                Refusal.TOO_MANY_REQUESTS,
                "the card has as many newer sessions as it may",
                self._settings.retry_after_ms,
            )
        if not peer.gone:
            sessions.append(peer)

    def _failed(self, peer: Peer, refusal: RefusalError) -> None:
        if peer.session.failed():
            peer.close(refusal.kind, "too many failed tries")

    # -- what is committed -----------------------------------------------------------------------

    def _write(self, peer: Peer, asked: WriteFrame, cards: ingest.Cards) -> Job:
        strange = isinstance(asked, PublishCard) and peer.session.proof is None
        if strange and not self._may_publish_unproven(peer):
            return Job(peer, None, _nothing)
        try:
            self._count(peer, asked)
        except RefusalError as refusal:
            answer = partial(self._written, peer, asked.request, refusal)
            return Job(peer, None, lambda _: answer())
        check, operation = self._writes.checks(peer.session, asked, cards, self._clock())
        answer = partial(self._written, peer, asked.request)

        def then(verified: Any) -> None:  # noqa: ANN401  each check has its own verified type
            if isinstance(verified, RefusalError):
                answer(verified)
            else:
                self._writer.put(Write(operation(verified), answer))

        def at_once() -> None:
            self._writer.put(Write(partial(_verified_first, check, operation), answer))

        return Job(peer, check, then, at_once)

    def _count(self, peer: Peer, asked: WriteFrame) -> None:
        """Count a write of an authenticated card; raise RefusalError over its rate."""
        writes = 1
        match asked:
            case PublishCard() if peer.session.proof is None:  # see _may_publish_unproven
                return
            case PublishCard(card=signed):
                size = len(signed.payload)
            case Publish(envelope=data):
                size = len(data)
            case SubmitRosterEvent(event=signed):
                size, writes = len(signed.payload), event_writes(len(signed.payload))
            case PostReceipt(receipt=signed):
                size = len(signed.payload)
            case SubmitStatement(statement=signed):
                size, writes = len(signed.payload), STATEMENT_WRITES
            case ResumeChain():
                size = 0
            case _:
                size = self._backups.size(asked)
        proven = peer.session.require_proof()
        cost = COSTS[proven.rate]
        self._quotas.write(proven.card.id, size * cost, writes * cost)

    def _may_publish_unproven(self, peer: Peer) -> bool:
        """Tell whether a stranger may publish a card; close who goes on without proving any."""
        if peer.session.published() > self._settings.cards_before_proof_max:
            retry = self._settings.retry_after_ms
            peer.close(Refusal.TOO_MANY_REQUESTS, "too many cards without a proof", retry)
            self._ingest.answered(peer)
            return False
        return self._may_greet(peer)

    def _not_held(self, peer: Peer, refusal: RefusalError, _: object) -> None:
        self._ingest.answered(peer)
        peer.close(refusal.kind, refusal.detail)

    def _written(
        self, peer: Peer, request: int, result: Outcome | Granted | Held | RefusalError
    ) -> None:
        self._ingest.answered(peer)
        match result:
            case Outcome():
                peer.send(Accepted(request, result.subject, result.position))
            case Granted():
                self._backups.granted(peer, result)
            case Held():
                self._backups.held(peer, request, result)
            case RefusalError():
                self._refused(peer, request, result)

    def _refused(self, peer: Peer, request: int, result: RefusalError) -> None:
        peer.refuse(request, result)
        if result.kind is Refusal.TOKEN_REFUSED:
            self._failed(peer, result)
        elif peer.session.proof is None and result.kind not in COME_BACK and peer.session.failed():
            retry = self._settings.retry_after_ms
            peer.close(Refusal.TOO_MANY_REQUESTS, "too many refused cards", retry)

    # -- blobs -----------------------------------------------------------------------------------

    def _move(self, peer: Peer, asked: BlobFrame) -> None:
        card = peer.session.require_proof().card.id
        try:
            match asked:
                case ReadBlob():
                    self._quotas.read(card, peer.address, lookups(asked))
                case UploadChunk(data=data):
                    self._quotas.write(card, len(data))
                case BeginUpload() | RemoveBlob():
                    self._quotas.write(card, 0)
        except RefusalError as too_many:
            self._ingest.answered(peer)
            peer.refuse(asked.request, too_many)
            return
        self._blobs.take(peer, asked, self._ingest.answered)

    # -- what is read ----------------------------------------------------------------------------

    def _read(self, peer: Peer, asked: ClientFrame) -> None:
        request = getattr(asked, "request", 0)
        answer, refusal = partial(self._answered, peer, request), partial(self._unread, peer)
        try:
            query = self._query(peer, asked)
            card = peer.session.require_proof().card.id
            self._quotas.read(card, peer.address, lookups(asked))
        except RefusalError as refused:
            answer(refused)
            return
        self._queries.put(Question(query, answer, refusal))

    def _unread(self, peer: Peer) -> RefusalError | None:
        """Refuse to read for a peer that is gone, or that does not read its answers."""
        if not peer.gone and peer.line.buffered <= self._settings.answer_bytes_max:
            return None
        return RefusalError(
            Refusal.TOO_MANY_REQUESTS,
            "read the answers first",
            retry_after_ms=self._settings.retry_after_ms,
        )

    def _subscribe(self, peer: Peer, asked: Subscribe) -> None:
        proven = peer.session.require_proof()
        try:
            self._quotas.read(proven.card.id, peer.address, lookups(asked))
        except RefusalError as too_many:
            self._answered(peer, asked.request, too_many)
            return

        def counted(openings: int) -> None:
            unasked = max(0, openings - len(asked.cursors))
            self._quotas.answered(proven.card.id, peer.address, unasked, 0)

        self._subscriptions.begin(peer, asked, partial(self._unread, peer), counted)

    def _query(self, peer: Peer, asked: ClientFrame) -> Query[Any]:
        found = answers.query(self._settings, peer.session.require_proof(), asked, self._clock())
        return found or self._backups.query(peer, asked)

    def _answered(self, peer: Peer, request: int, result: Any) -> None:  # noqa: ANN401  frame or refusal
        self._ingest.answered(peer)
        if isinstance(result, RefusalError):
            peer.refuse(request, result)
        else:
            size = peer.send(result)
            if peer.session.proof is not None:
                self._quotas.answered(peer.session.proof.card.id, peer.address, 0, size)


def _nothing(_: object) -> None:
    """Do no more for who has been sent away."""


def _verified_first(
    check: Callable[[], Any] | None,
    operation: Callable[[Any], Operation[Any]],
    transaction: Transaction,
) -> Any:  # noqa: ANN401  each operation has its own result
    """Verify and write; raise RefusalError, and write nothing, for what is not verified."""
    verified = ingest.checked(check)
    if isinstance(verified, RefusalError):
        raise verified
    return operation(verified)(transaction)
