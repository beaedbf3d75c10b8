"""Proofs by e-mail: what `start_proof` and `confirm_proof` ask of the stages, and how often they may.

The rules are in codes.py. An answer to `start_proof` depends on what was asked before and never on whether anybody has
the identity: the same limits count for all, and the mail is sent after the answer.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec.structs import replace

from peerpost_protocol.card import Card, open_card
from peerpost_protocol.frames import Accepted, Attestation, ConfirmProof, StartProof
from peerpost_protocol.refusals import COME_BACK, Refusal
from peerpost_relay import codes
from peerpost_relay.buckets import Buckets
from peerpost_relay.errors import RefusalError
from peerpost_relay.history_store import Proof
from peerpost_relay.ingest import Job
from peerpost_relay.mail import Outbox
from peerpost_relay.mail_settings import MailSettings
from peerpost_relay.outcomes import Outcome
from peerpost_relay.peer import Peer
from peerpost_relay.settings import RelaySettings
from peerpost_relay.store import Operation
from peerpost_relay.writer import Write, Writer

KEY_BYTES = 32
HOUR_SECONDS = 3_600

ProofFrame = StartProof | ConfirmProof
Step = Outcome | RefusalError
Answered = Callable[[Peer], None]


class Allowance:
    """Count the codes of identities, cards and addresses. `monotonic`: seconds."""

    def __init__(self, settings: MailSettings, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._identities = _an_hour(settings.codes_per_identity)
        self._cards = _an_hour(settings.codes_per_card)
        self._addresses = _an_hour(settings.codes_per_address)

    def take(self, identity: str, card: bytes, address: str | None) -> None:
        """Count a code; raise RefusalError over one of the three rates."""
        now = self._monotonic()
        buckets = [self._identities.of(identity, now), self._cards.of(card.hex(), now)]
        if address is not None:
            buckets.append(self._addresses.of(address, now))
        wait = max(bucket.lacks(1, now) for bucket in buckets)
        if wait > 0:
            raise RefusalError(
                Refusal.TOO_MANY_REQUESTS,
                "too many codes were asked for",
                retry_after_ms=math.ceil(wait * 1_000),
            )
        for bucket in buckets:
            bucket.take(1)


class Proofs:
    """Turn the frames of a proof into jobs, and their results into answers and mails."""

    def __init__(
        self,
        outbox: Outbox | None,
        writer: Writer,
        waiting_ms: int,
        *,
        clock: Callable[[], int],
        monotonic: Callable[[], float],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._outbox = outbox
        self._writer = writer
        self._clock = clock
        self._random_bytes = random_bytes
        self._key = random_bytes(KEY_BYTES)
        self._monotonic = monotonic
        self.apply(waiting_ms)

    def apply(self, waiting_ms: int) -> None:
        """Go by this and by the outbox's settings from now on; the codes of this hour are forgotten."""
        self._waiting_ms = waiting_ms
        settings = self._outbox.settings if self._outbox else MailSettings()
        self._allowance = Allowance(settings, self._monotonic)

    @property
    def offered(self) -> bool:
        """Tell whether this relay sends codes."""
        return self._outbox is not None

    def without(self, settings: RelaySettings) -> Refusal | None:
        """Return why a card that nothing stands behind is refused; None where it is taken."""
        if settings.allow_unverified:
            return None
        return Refusal.PROOF_REQUIRED if self.offered else Refusal.TOKEN_REQUIRED

    def job(self, peer: Peer, asked: ProofFrame, answered: Answered) -> Job:
        """Return what is to be done for a frame of a proof."""

        def then(result: Any) -> None:  # noqa: ANN401  a card or a refusal
            try:
                if isinstance(result, RefusalError):
                    raise result
                write = self._begin(peer, asked, result)
            except RefusalError as refusal:
                answered(peer)
                self._refuse(peer, asked.request, refusal)
            else:
                operation, done = write
                self._writer.put(
                    Write(operation, partial(self._answer, peer, asked, done, answered))
                )

        return Job(peer, partial(open_card, asked.card), then)

    def _begin(
        self, peer: Peer, asked: ProofFrame, card: Card
    ) -> tuple[Operation[Step], Callable[[], None]]:
        """Return the operation that a frame asks for, and what is done when it has been committed."""
        if self._outbox is None:
            raise RefusalError(Refusal.NOT_OFFERED, "this relay sends no codes")
        proof = peer.session.proof
        if proof is not None and proof.card.id != card.id:
            raise RefusalError(Refusal.NOT_AUTHENTICATED, "a session proves its own card")
        if isinstance(asked, ConfirmProof):
            return self._confirming(card, asked.code, own=proof is not None), partial(
                _verified, peer
            )
        return self._starting(self._outbox, card, peer)

    def _confirming(self, card: Card, code: str, *, own: bool) -> Operation[Step]:
        digest = codes.digest_of(self._key, card, code)
        now_ms, waiting_ms = self._clock(), self._waiting_ms
        return lambda t: codes.confirm(t, card, digest, now_ms, waiting_ms, own=own)

    def _starting(
        self, outbox: Outbox, card: Card, peer: Peer
    ) -> tuple[Operation[Step], Callable[[], None]]:
        if outbox.full:
            raise RefusalError(
                Refusal.TOO_MANY_REQUESTS, "too many mails wait", retry_after_ms=60_000
            )
        self._allowance.take(card.identity, card.id, peer.address)
        code = codes.make_code(self._random_bytes)
        settings, now_ms, own = outbox.settings, self._clock(), peer.session.proof is not None
        stored = Proof(
            codes.digest_of(self._key, card, code),
            now_ms + settings.code_seconds * 1_000,
            settings.code_tries,
        )
        put = partial(outbox.put, card.identity, code)
        return lambda t: codes.start(t, card, stored, now_ms, own=own), put

    def _answer(
        self,
        peer: Peer,
        asked: ProofFrame,
        done: Callable[[], None],
        answered: Answered,
        result: Outcome | RefusalError,
    ) -> None:
        answered(peer)
        if isinstance(result, RefusalError):
            self._refuse(peer, asked.request, result)
            return
        peer.send(Accepted(asked.request, result.subject, result.position))
        done()

    def _refuse(self, peer: Peer, request: int, refusal: RefusalError) -> None:
        peer.refuse(request, refusal)
        counted = peer.session.proof is None and refusal.kind not in COME_BACK
        if counted and peer.session.failed():
            peer.close(refusal.kind, "too many failed tries")


def _an_hour(most: int) -> Buckets[str]:
    return Buckets(most / HOUR_SECONDS, most)


def _verified(peer: Peer) -> None:
    proof = peer.session.proof
    if proof is not None:
        peer.session.proof = replace(proof, attestation=Attestation.VERIFIED)
